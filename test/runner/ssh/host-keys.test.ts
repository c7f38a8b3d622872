import { readFile } from "node:fs/promises";
import ssh2 from "ssh2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeHostKeys, type HostKey, hostKeyFingerprint } from "../../../nix/machine-spec/host-key.ts";
import { generateSshIdentity } from "../../../cloud/secrets/ssh-identity.ts";
import { connectSsh } from "../../../runner/ssh/connect.ts";
import { bootForRunner, targetOf } from "../boot.ts";
import { failure } from "../failure.ts";

let fleet: Awaited<ReturnType<typeof bootForRunner>>;

beforeAll(async () => {
  fleet = await bootForRunner({ name: "itchy", hostKeyTypes: ["ed25519", "rsa", "ecdsa"] }, { name: "scratchy" });
});

afterAll(async () => {
  await fleet[Symbol.asyncDispose]();
});

describe("the host key of a connection", () => {
  it.each(["ed25519", "rsa", "ecdsa"] as const)(
    "accepts a stored %s key of a machine that has several",
    async (type) => {
      const machine = fleet.machine("itchy");
      const hostKeys = decodeHostKeys(machine.hostKeys.get(type) ?? "");
      await using connection = await connectSsh(await targetOf(machine, { hostKeys }));
      expect(await (await connection.exec("true")).exited).toEqual({ kind: "exited", code: 0 });
    },
  );

  it("accepts any of several stored keys, and asks for the first type first", async () => {
    const machine = fleet.machine("itchy");
    const [rsa, ecdsa] = (["rsa", "ecdsa"] as const).map((type) => decodeHostKeys(machine.hostKeys.get(type) ?? "")[0]);
    const [foreign] = decodeHostKeys(fleet.machine("scratchy").hostKey);
    if (rsa === undefined || ecdsa === undefined) throw new Error("the machine lacks keys");
    const presented = async (...hostKeys: HostKey[]) => {
      await using connection = await connectSsh(await targetOf(machine, { hostKeys }));
      // Until the machine tells of its other keys, it is the one that was checked.
      return connection.hostKeys.map(hostKeyFingerprint);
    };
    expect(await presented(rsa, ecdsa)).toEqual([hostKeyFingerprint(rsa.blob)]);
    expect(await presented(ecdsa, rsa, foreign)).toEqual([hostKeyFingerprint(ecdsa.blob)]);
    const [own] = decodeHostKeys(machine.hostKeys.get("ed25519") ?? "");
    expect(await presented(foreign, own)).toEqual([hostKeyFingerprint(own.blob)]);
  });

  it("names all stored keys when none of them is presented", async () => {
    const machine = fleet.machine("itchy");
    const others = (["ed25519", "rsa"] as const).map((type) => decodeHostKeys(machine.hostKeys.get(type) ?? "")[0]);
    const error = await failure(connectSsh(await targetOf(fleet.machine("scratchy"), { hostKeys: others })));
    expect(error.code).toBe("DROVER_HOST_KEY_MISMATCH");
    for (const { type, blob } of others) expect(error.message).toContain(`${type} ${hostKeyFingerprint(blob)}`);
    expect(error.message).toMatch(/but it presents ssh-ed25519 SHA256:\S+\.$/);
  });

  it("tells of all keys that the machine has, soon after the log-in", async () => {
    const machine = fleet.machine("itchy");
    await using connection = await connectSsh(await targetOf(machine));
    const all = [...machine.hostKeys.values()].map((key) => hostKeyFingerprint(decodeHostKeys(key)[0].blob)).toSorted();
    await expect.poll(() => connection.hostKeys.map(hostKeyFingerprint).toSorted()).toEqual(all);
  });

  it("refuses a machine that presents another key, before it logs in", async () => {
    const machine = fleet.machine("itchy");
    const stored = decodeHostKeys(fleet.machine("scratchy").hostKey);
    const error = await failure(connectSsh(await targetOf(machine, { hostKeys: stored })));
    expect(error.code).toBe("DROVER_HOST_KEY_MISMATCH");
    expect(error.details).toEqual({
      expected: [hostKeyFingerprint(stored[0].blob)],
      presented: hostKeyFingerprint(decodeHostKeys(machine.hostKey)[0].blob),
    });
    expect(error.message).toContain("itchy");
    expect(error.remedy).toContain("drover machines trust itchy --replace");
    expect(await readFile(machine.logFile, "utf8")).not.toContain("Accepted publickey for nobody");
  });

  it("sends no log-in to a machine that presents another key", async () => {
    const privateKey = generateSshIdentity("server");
    const logIns: string[] = [];
    const server = new ssh2.Server({ hostKeys: [privateKey] }, (client) => {
      client.on("authentication", (context) => {
        logIns.push(context.username);
        context.reject();
      });
      client.on("error", () => {});
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the server has no port");
    const { port } = address;
    const target = await targetOf(fleet.machine("itchy"), { host: "127.0.0.1", port });
    expect((await failure(connectSsh(target))).code).toBe("DROVER_HOST_KEY_MISMATCH");
    expect(logIns).toEqual([]);
    // The same server with its own key stored gets as far as the log-in, so the list above could have been filled.
    const parsed = ssh2.utils.parseKey(privateKey);
    if (parsed instanceof Error) throw parsed;
    const hostKeys = [{ type: parsed.type, blob: parsed.getPublicSSH() }];
    expect((await failure(connectSsh({ ...target, hostKeys }))).code).toBe("DROVER_SSH_AUTHENTICATION");
    expect(logIns).not.toEqual([]);
    server.close();
  });

  it("says so when the machine has no key of the stored type", async () => {
    const rsa = decodeHostKeys(fleet.machine("itchy").hostKeys.get("rsa") ?? "");
    const error = await failure(connectSsh(await targetOf(fleet.machine("scratchy"), { hostKeys: rsa })));
    expect(error.code).toBe("DROVER_HOST_KEY_MISMATCH");
    expect(error.message).toContain("it has no key of this type");
  });

  it("sends nothing at all where no key is stored", async () => {
    const target = await targetOf(fleet.machine("itchy"), { hostKeys: [], host: "203.0.113.1" });
    const error = await failure(connectSsh(target));
    expect(error.code).toBe("DROVER_HOST_KEY_UNKNOWN");
    expect(error.remedy).toContain("base64 -w0");
    expect(error.remedy).toContain("drover machines trust itchy");
  });
});
