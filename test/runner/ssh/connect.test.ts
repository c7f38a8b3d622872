import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import ssh2 from "ssh2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeHostKeys, type HostKey, hostKeyFingerprint } from "../../../nix/machine-spec/host-key.ts";
import { generateSshIdentity } from "../../../cloud/secrets/ssh-identity.ts";
import { connectSsh } from "../../../runner/ssh/connect.ts";
import { parseIdentity } from "../../../runner/ssh/identity.ts";
import { defaultSshTimings } from "../../../runner/ssh/target.ts";
import { bootForRunner, targetOf } from "../boot.ts";
import { failure } from "../failure.ts";
import { openBlackHole, openClosedPort, openProxy, openSilentServer } from "./bad-networks.ts";

const quick = { ...defaultSshTimings, connect: 1_500 };

let fleet: Awaited<ReturnType<typeof bootForRunner>>;

beforeAll(async () => {
  fleet = await bootForRunner(
    { name: "itchy", hostKeyTypes: ["ed25519", "rsa", "ecdsa"] },
    { name: "scratchy", maxSessions: 3 },
  );
});

afterAll(async () => {
  await fleet[Symbol.asyncDispose]();
});

describe("connectSsh", () => {
  it("runs commands, with input, output, standard error and exit status", async () => {
    await using connection = await connectSsh(await targetOf(fleet.machine("itchy")));
    const process = await connection.exec("cat; echo problem >&2; exit 7");
    process.stdin.end("through and back");
    const [stdout, stderr, exit] = await Promise.all([text(process.stdout), text(process.stderr), process.exited]);
    expect(stdout).toBe("through and back");
    expect(stderr).toBe("problem\n");
    expect(exit).toEqual({ kind: "exited", code: 7 });
  });

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

  it("says that nothing listens on a closed port", async () => {
    const port = await openClosedPort();
    const error = await failure(connectSsh(await targetOf(fleet.machine("itchy"), { host: "127.0.0.1", port })));
    expect(error.code).toBe("DROVER_SSH_UNREACHABLE");
    expect(error.message).toContain(`127.0.0.1 port ${port}: nothing listens there`);
  });

  it("says that a name is unknown", async () => {
    const error = await failure(connectSsh(await targetOf(fleet.machine("itchy"), { host: "nowhere.invalid" })));
    expect(error.code).toBe("DROVER_SSH_UNREACHABLE");
    expect(error.message).toContain("DNS");
    expect(error.remedy).toContain("ssh_config");
  });

  it("gives up on an address that drops packets", async () => {
    await using blackHole = await openBlackHole();
    const target = await targetOf(fleet.machine("itchy"), blackHole);
    const started = performance.now();
    const error = await failure(connectSsh(target, { timings: quick }));
    expect(error.code).toBe("DROVER_SSH_TIMEOUT");
    expect(error.details).toEqual({ stage: "connecting" });
    expect(performance.now() - started).toBeLessThan(2_500);
  });

  it("gives up on a server that accepts and says nothing", async () => {
    await using server = await openSilentServer();
    const error = await failure(connectSsh(await targetOf(fleet.machine("itchy"), server), { timings: quick }));
    expect(error.code).toBe("DROVER_SSH_TIMEOUT");
    expect(error.details).toEqual({ stage: "key-exchange" });
  });

  it("names the identity that is not admitted, and the line that would admit it", async () => {
    const stranger = generateSshIdentity("stranger");
    const identity = parseIdentity(stranger, "/keys/stranger");
    const target = await targetOf(fleet.machine("itchy"), { identity });
    const error = await failure(connectSsh(target));
    expect(error.code).toBe("DROVER_SSH_AUTHENTICATION");
    expect(error.message).toContain(`the user ${target.user} does not admit the identity /keys/stranger (SHA256:`);
    expect(error.remedy).toContain(identity.publicLine);
    expect(error.remedy).not.toContain("PRIVATE");
  });

  it("stops when it is told to", async () => {
    await using server = await openSilentServer();
    const target = await targetOf(fleet.machine("itchy"), server);
    await expect(connectSsh(target, { signal: AbortSignal.timeout(100) })).rejects.toThrow(/aborted due to timeout/);
  });
});

describe("an SSH connection", () => {
  it("is lost at once when the machine ends it, and with it what runs there", async () => {
    const machine = fleet.machine("scratchy");
    const connection = await connectSsh(await targetOf(machine));
    const process = await connection.exec("sleep 100");
    process.drain();
    await machine.killSessions();
    const lost = await connection.ended;
    expect(lost?.code).toBe("DROVER_SSH_LOST");
    expect(await process.exited).toEqual({ kind: "lost", error: lost });
    expect((await failure(connection.exec("true"))).code).toBe("DROVER_SSH_LOST");
  });

  it("is lost when nothing comes in any more, though nobody has closed it", async () => {
    const machine = fleet.machine("itchy");
    await using proxy = await openProxy(machine);
    const timings = { connect: 5_000, keepAliveInterval: 200, silenceLimit: 600 };
    const connection = await connectSsh(await targetOf(machine, proxy.address), { timings });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(connection.loss).toBeUndefined();
    proxy.freeze();
    const frozenAt = performance.now();
    expect((await connection.ended)?.message).toContain("nothing has come in for");
    expect(performance.now() - frozenAt).toBeLessThan(1_200);
  });

  it("refuses the session above MaxSessions and keeps those it has", async () => {
    await using connection = await connectSsh(await targetOf(fleet.machine("scratchy")));
    const processes = await Promise.all([1, 2, 3].map(() => connection.exec("cat")));
    const error = await failure(connection.exec("cat"));
    expect(error.code).toBe("DROVER_SSH_SESSION_REFUSED");
    expect(error.remedy).toContain("MaxSessions");
    for (const process of processes) process.stdin.end("still here");
    const said = await Promise.all(processes.map((process) => text(process.stdout)));
    expect(said).toEqual(["still here", "still here", "still here"]);
  });

  it("ends a process that is killed, and tells of a signal", async () => {
    await using connection = await connectSsh(await targetOf(fleet.machine("itchy")));
    const patient = await connection.exec("cat");
    patient.kill();
    // By the end of its input, or by a signal of sshd's: whichever comes first.
    expect(["closed", "exited", "signalled"]).toContain((await patient.exited).kind);
    const suicidal = await connection.exec("kill -TERM $$");
    suicidal.drain();
    expect(await suicidal.exited).toEqual({ kind: "signalled", signal: "SIGTERM" });
  });

  it("passes more than its buffers hold in both directions", async () => {
    await using connection = await connectSsh(await targetOf(fleet.machine("itchy")));
    const process = await connection.exec("cat");
    const chunk = Buffer.alloc(1 << 20, "x");
    const written = (async () => {
      for (let n = 0; n < 32; n++) {
        if (!process.stdin.write(chunk)) await new Promise((resolve) => process.stdin.once("drain", resolve));
      }
      process.stdin.end();
    })();
    let received = 0;
    for await (const piece of process.stdout) received += piece.length;
    await written;
    expect(received).toBe(32 << 20);
  });
});
