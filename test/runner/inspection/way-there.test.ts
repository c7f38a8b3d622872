import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SshJump } from "../../../fleet/machine.ts";
import { inspectionFault } from "../../../fleet/inspection.ts";
import { decodeHostKeys, hostKeyFingerprint } from "../../../nix/machine-spec/host-key.ts";
import { bootForRunner, registered, type RunnerFleet } from "../boot.ts";
import { openBlackHole, openClosedPort, openSilentServer } from "../ssh/bad-networks.ts";
import { exceptions, failedFrom, inspect, row } from "./inspecting.ts";

let fleet: RunnerFleet;

beforeAll(async () => {
  fleet = await bootForRunner(
    { name: "itchy", hostKeyTypes: ["ed25519", "ecdsa"] },
    { name: "gate" },
    { name: "wall", forwarding: false },
    { name: "replaced" },
  );
});

afterAll(async () => {
  await fleet[Symbol.asyncDispose]();
});

function at(host: string, port: number): { uri: string } {
  return { uri: `ssh://${fleet.machine("itchy").user}@${host}:${port}` };
}

function through(jump: Partial<SshJump>, name = "gate"): ReturnType<typeof registered> {
  const { host, port, user, identityFile, hostKey } = fleet.machine(name);
  const target = fleet.machine("itchy");
  const jumps = [{ host, port, user, identityFile, hostKey, ...jump }];
  const route = { host: target.host, port: target.port, user: target.user, identityFile, identityAgent: null, jumps };
  return { ...registered(target), route };
}

describe("an inspection of a machine that can not be reached", () => {
  it("says that its name is unknown", async () => {
    const inspection = await inspect(fleet, registered(fleet.machine("itchy"), at("nowhere.invalid", 22)));
    expect(exceptions(inspection)).toEqual(failedFrom("dns"));
    expect(row(inspection, "dns")).toMatchObject({
      code: "DROVER_SSH_UNREACHABLE",
      found: expect.stringMatching(/^can not be reached at nowhere\.invalid port 22: the name .*DNS/),
      remedy: expect.stringContaining("Check the host name"),
    });
    expect(row(inspection, "tcp").found).toBe("not looked at, since dns failed");
    expect(inspectionFault(inspection)?.message).toMatch(/^itchy: can not be reached at nowhere\.invalid/);
  });

  it("says that nothing listens on a closed port", async () => {
    const port = await openClosedPort();
    const inspection = await inspect(fleet, registered(fleet.machine("itchy"), at("127.0.0.1", port)));
    expect(exceptions(inspection)).toEqual(failedFrom("tcp"));
    expect(row(inspection, "tcp")).toMatchObject({
      code: "DROVER_SSH_UNREACHABLE",
      found: `can not be reached at 127.0.0.1 port ${port}: nothing listens there (connection refused)`,
      remedy: expect.stringContaining("sshd listens on this port"),
    });
  });

  it("gives up on a firewall that drops packets, in time", async () => {
    await using hole = await openBlackHole();
    const started = performance.now();
    const inspection = await inspect(fleet, registered(fleet.machine("itchy"), at(hole.host, hole.port)));
    expect(performance.now() - started).toBeLessThan(9_000);
    expect(exceptions(inspection)).toEqual(failedFrom("tcp"));
    expect(row(inspection, "tcp")).toMatchObject({
      code: "DROVER_SSH_TIMEOUT",
      found: expect.stringContaining("does not answer"),
      remedy: expect.stringContaining("firewall"),
    });
  });

  it("says that what listens there is no SSH server", async () => {
    const server = createServer((socket) => socket.on("error", () => {}).end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the server has no port");
    for (const hostKey of [fleet.machine("itchy").hostKey, null]) {
      const spec = { ...at("127.0.0.1", address.port), hostKey };
      const inspection = await inspect(fleet, registered(fleet.machine("itchy"), spec));
      expect(exceptions(inspection)).toEqual(failedFrom("host-key"));
      expect(row(inspection, "host-key")).toMatchObject({ code: "DROVER_SSH_HANDSHAKE" });
      expect(inspection.hostKeys).toEqual([]);
    }
    server.close();
  });

  it("gives up on a server that accepts and says nothing", async () => {
    await using server = await openSilentServer();
    const inspection = await inspect(fleet, registered(fleet.machine("itchy"), at(server.host, server.port)));
    expect(exceptions(inspection)).toEqual(failedFrom("host-key"));
    expect(row(inspection, "host-key")).toMatchObject({ code: "DROVER_SSH_TIMEOUT" });
  });

  it("has no more time than it is given", async () => {
    await using server = await openSilentServer();
    const machine = registered(fleet.machine("itchy"), at(server.host, server.port));
    const inspection = await inspect(fleet, machine, { limit: 300 });
    expect(exceptions(inspection)).toEqual(failedFrom("host-key"));
    expect(row(inspection, "host-key")).toMatchObject({
      code: "DROVER_INSPECTION_TIMEOUT",
      found: "did not get further within 0.3 s",
    });
    expect(inspection.finishedAt - inspection.startedAt).toBeLessThan(1_500);
  });

  it("says that a machine is not reached by SSH at all", async () => {
    const inspection = await inspect(fleet, registered(fleet.machine("itchy"), { uri: "local:///srv" }));
    expect(exceptions(inspection)).toEqual(failedFrom("dns"));
    expect(row(inspection, "dns")).toMatchObject({ code: "DROVER_MACHINE_URI" });
  });
});

describe("an inspection of a machine whose host key is not trusted", () => {
  it("shows all keys that it presents, and how to trust them", async () => {
    const machine = fleet.machine("itchy");
    const before = await readFile(machine.logFile, "utf8");
    const inspection = await inspect(fleet, registered(machine, { hostKey: null }));
    expect(exceptions(inspection)).toEqual(failedFrom("host-key"));
    const real = [...machine.hostKeys.values()].map((key) => hostKeyFingerprint(decodeHostKeys(key)[0].blob));
    expect(inspection.hostKeys.map(({ fingerprint }) => fingerprint)).toEqual(real);
    expect(row(inspection, "host-key")).toMatchObject({
      code: "DROVER_HOST_KEY_UNKNOWN",
      found: `presents ssh-ed25519 ${real[0]}, ecdsa-sha2-nistp256 ${real[1]}; none is trusted yet`,
      remedy: expect.stringContaining("drover machines trust itchy"),
    });
    expect((await readFile(machine.logFile, "utf8")).slice(before.length)).not.toMatch(/Accepted|Failed|user/);
  });

  it("says which key was expected and which one presents itself", async () => {
    const machine = fleet.machine("itchy");
    const stored = fleet.machine("gate").hostKey;
    const inspection = await inspect(fleet, registered(machine, { hostKey: stored }));
    expect(exceptions(inspection)).toEqual(failedFrom("host-key"));
    const [expected, presented] = [stored, machine.hostKey].map((key) =>
      hostKeyFingerprint(decodeHostKeys(key)[0].blob),
    );
    expect(row(inspection, "host-key")).toMatchObject({
      code: "DROVER_HOST_KEY_MISMATCH",
      found: `is not the machine it was: the stored host key is ssh-ed25519 ${expected}, but it presents ssh-ed25519 ${presented}`,
      remedy: expect.stringContaining("drover machines trust itchy --replace"),
    });
    expect(inspection.hostKeys).toHaveLength(2);
  });

  it("notices that a machine has got new keys", async () => {
    const machine = fleet.machine("replaced");
    const known = registered(machine);
    expect(exceptions(await inspect(fleet, known))).toEqual({});
    await machine.changeHostKey();
    const inspection = await inspect(fleet, known);
    expect(row(inspection, "host-key")).toMatchObject({ code: "DROVER_HOST_KEY_MISMATCH" });
    const fresh = decodeHostKeys(machine.hostKey)[0];
    expect(inspection.hostKeys.map(({ fingerprint }) => fingerprint)).toEqual([hostKeyFingerprint(fresh.blob)]);
  });

  it("says that the machine has only keys of other types", async () => {
    const hostKey = fleet.machine("itchy").hostKeys.get("ecdsa") ?? "";
    const inspection = await inspect(fleet, registered(fleet.machine("gate"), { hostKey }));
    expect(exceptions(inspection)).toEqual(failedFrom("host-key"));
    expect(row(inspection, "host-key")).toMatchObject({
      code: "DROVER_HOST_KEY_MISMATCH",
      found: expect.stringMatching(/ecdsa-sha2-nistp256 SHA256:\S+, but it has no key of this type$/),
    });
    expect(inspection.hostKeys.map(({ type }) => type)).toEqual(["ssh-ed25519"]);
  });

  it("says that what is stored is no key", async () => {
    const inspection = await inspect(fleet, registered(fleet.machine("itchy"), { hostKey: "bm90IGEga2V5" }));
    expect(exceptions(inspection)).toEqual(failedFrom("host-key"));
    expect(row(inspection, "host-key")).toMatchObject({ code: "DROVER_HOST_KEY" });
  });
});

describe("an inspection of a machine behind a jump host", () => {
  it("says that the jump host is not the known one", async () => {
    const inspection = await inspect(fleet, through({ hostKey: fleet.machine("itchy").hostKey }));
    expect(exceptions(inspection)).toEqual(failedFrom("tcp"));
    expect(row(inspection, "tcp")).toMatchObject({
      code: "DROVER_JUMP_HOST_KEY_MISMATCH",
      found: expect.stringContaining("the jump host"),
      remedy: expect.stringContaining("known_hosts"),
    });
  });

  it("says that the jump host does not admit the identity", async () => {
    const identityFile = await fleet.createClientKey("not-admitted", "");
    const keys = `${fleet.directory}/shared/authorized_keys`;
    await fleet.machine("gate").run(`sed -i '/not-admitted/d' ${keys}`);
    const inspection = await inspect(fleet, through({ identityFile }));
    expect(exceptions(inspection)).toEqual(failedFrom("tcp"));
    expect(row(inspection, "tcp")).toMatchObject({
      code: "DROVER_SSH_AUTHENTICATION",
      found: expect.stringContaining("the jump host"),
    });
  });

  it("says that the jump host lets nobody through", async () => {
    const inspection = await inspect(fleet, through({}, "wall"));
    expect(exceptions(inspection)).toEqual(failedFrom("tcp"));
    expect(row(inspection, "tcp")).toMatchObject({
      code: "DROVER_SSH_UNREACHABLE",
      remedy: expect.stringContaining("AllowTcpForwarding"),
    });
  });

  it("looks up the jump host's name and not the machine's", async () => {
    const inspection = await inspect(fleet, through({ host: "nowhere.invalid" }));
    expect(exceptions(inspection)).toEqual(failedFrom("dns"));
    expect(row(inspection, "dns").found).toContain("nowhere.invalid");
  });

  it("shows the keys of a machine that is not trusted, through it", async () => {
    const machine = through({});
    const inspection = await inspect(fleet, { ...machine, spec: { ...machine.spec, hostKey: null } });
    expect(exceptions(inspection)).toEqual(failedFrom("host-key"));
    expect(inspection.hostKeys.map(({ type }) => type)).toEqual(["ssh-ed25519", "ecdsa-sha2-nistp256"]);
  });
});
