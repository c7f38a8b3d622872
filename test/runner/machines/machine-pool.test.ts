import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { identitySource } from "../../../runner/machines/identity-source.ts";
import { MachineError } from "../../../runner/machines/machine-error.ts";
import { type Lease, MachinePool } from "../../../runner/machines/machine-pool.ts";
import { bootForRunner, registered, secretsOf } from "../boot.ts";
import { runCommand } from "../../machines/run-command.ts";
import { failure } from "../failure.ts";
import { startAgent } from "./ssh-agent.ts";

const somePath = "/nix/store/7awiywjc2mf4h57r6cz5bb22nlz5sdq8-main.drv";
const query = { lock: true, substitute: false };

let fleet: Awaited<ReturnType<typeof bootForRunner>>;
let pool: MachinePool;

let readIdentity: ReturnType<typeof identitySource>;

beforeAll(async () => {
  fleet = await bootForRunner(
    { name: "itchy" },
    { name: "scratchy", maxSessions: 3 },
    { name: "pathless", nixOnPath: false },
    { name: "noisy", noise: "Welcome to noisy! Have a nice day." },
  );
  readIdentity = identitySource(secretsOf(fleet));
});

afterAll(async () => {
  await fleet[Symbol.asyncDispose]();
});

beforeEach(() => {
  pool = new MachinePool({ readIdentity, limits: { sessionsPerConnection: 10, idle: 60_000, age: 60_000 } });
});

afterEach(async () => {
  await pool[Symbol.asyncDispose]();
});

/** Asks for a path that no machine has. */
async function ask({ session }: Lease): Promise<Set<string>> {
  return await session.talk((nix) => nix.queryValidPaths([somePath], query));
}

async function logIns(name: string): Promise<number> {
  const log = await readFile(fleet.machine(name).logFile, "utf8");
  return log.split("Accepted publickey").length - 1;
}

describe("a pool of machines", () => {
  it("opens one connection for ten sessions that are wanted at once, and a second for more", async () => {
    const before = await logIns("itchy");
    const leases = await Promise.all(Array.from({ length: 14 }, () => pool.lease(registered(fleet.machine("itchy")))));
    expect(await Promise.all(leases.map(ask))).toEqual(leases.map(() => new Set()));
    expect(pool.counts("itchy")).toEqual({ connections: 2, idle: 0, busy: 14 });
    expect(await logIns("itchy")).toBe(before + 2);
    for (const lease of leases) lease[Symbol.dispose]();
    expect(pool.counts("itchy")).toEqual({ connections: 2, idle: 14, busy: 0 });
  });

  it("learns that a machine allows fewer sessions in a connection", async () => {
    const machine = registered(fleet.machine("scratchy"));
    const leases = await Promise.all(Array.from({ length: 11 }, () => pool.lease(machine)));
    expect(await Promise.all(leases.map(ask))).toEqual(leases.map(() => new Set()));
    expect(pool.counts("scratchy")).toEqual({ connections: 4, idle: 0, busy: 11 });
    const another = await pool.lease(machine);
    expect(pool.counts("scratchy").connections).toBe(4);
    for (const lease of [another, ...leases]) lease[Symbol.dispose]();
  });

  it("uses a session again for the next build", async () => {
    const machine = registered(fleet.machine("itchy"));
    const first = await pool.lease(machine);
    first[Symbol.dispose]();
    const second = await pool.lease(machine);
    expect(second.session).toBe(first.session);
    expect(await ask(second)).toEqual(new Set());
    second[Symbol.dispose]();
  });

  it("does not use a session again that saw an error, and keeps the connection", async () => {
    const machine = registered(fleet.machine("itchy"));
    const before = await logIns("itchy");
    const first = await pool.lease(machine);
    // What was told to be sent does not come: nobody can say where the conversation stands then.
    const broken = first.session.talk(() => Promise.reject(new Error("the cache is gone")));
    await expect(broken).rejects.toThrow("the cache is gone");
    first[Symbol.dispose]();
    const second = await pool.lease(machine);
    expect(second.session).not.toBe(first.session);
    expect(await ask(second)).toEqual(new Set());
    expect(await logIns("itchy")).toBe(before + 1);
    second[Symbol.dispose]();
  });

  it("closes sessions and connections that nobody uses", async () => {
    await using impatient = new MachinePool({
      readIdentity,
      limits: { sessionsPerConnection: 10, idle: 200, age: 60_000 },
    });
    const lease = await impatient.lease(registered(fleet.machine("itchy")));
    lease[Symbol.dispose]();
    expect(impatient.counts("itchy")).toEqual({ connections: 1, idle: 1, busy: 0 });
    await expect
      .poll(() => impatient.counts("itchy"), { timeout: 3_000 })
      .toEqual({ connections: 0, idle: 0, busy: 0 });
  });

  it("does not use an old session again", async () => {
    await using forgetful = new MachinePool({
      readIdentity,
      limits: { sessionsPerConnection: 10, idle: 60_000, age: 50 },
    });
    const machine = registered(fleet.machine("itchy"));
    const first = await forgetful.lease(machine);
    await delay(60);
    first[Symbol.dispose]();
    expect(forgetful.counts("itchy").idle).toBe(0);
  });

  it("notices that a connection was killed while idle, and opens another", async () => {
    const machine = registered(fleet.machine("itchy"));
    const first = await pool.lease(machine);
    first[Symbol.dispose]();
    expect(await fleet.machine("itchy").killSessions()).toBeGreaterThan(0);
    await first.session.ended;
    const second = await pool.lease(machine);
    expect(second.session).not.toBe(first.session);
    expect(await ask(second)).toEqual(new Set());
    second[Symbol.dispose]();
  });

  it("fails what runs on a connection that is killed with a code", async () => {
    const lease = await pool.lease(registered(fleet.machine("itchy")));
    expect(await ask(lease)).toEqual(new Set());
    await fleet.machine("itchy").killSessions();
    const error = await failure(lease.session.talk((nix) => nix.queryValidPaths([somePath], query)));
    expect(error).toBeInstanceOf(MachineError);
    expect(error.code).toBe("DROVER_SSH_LOST");
    lease[Symbol.dispose]();
  });

  it("connects anew when the machine's line changes, and lets the old sessions finish", async () => {
    const machine = registered(fleet.machine("itchy"));
    const old = await pool.lease(machine);
    const changed = { ...machine, spec: { ...machine.spec, uri: `${machine.spec.uri}?remote-store=auto` } };
    const fresh = await pool.lease(changed);
    expect(fresh.session).not.toBe(old.session);
    expect(await ask(old)).toEqual(new Set());
    expect(await ask(fresh)).toEqual(new Set());
    old[Symbol.dispose]();
    await old.session.ended;
    fresh[Symbol.dispose]();
    expect(pool.counts("itchy")).toEqual({ connections: 1, idle: 1, busy: 0 });
  });

  it("goes the way that the route says, and connects anew when that changes", async () => {
    const machine = registered(fleet.machine("itchy"), { uri: "ssh://alias-of-itchy", sshKey: null });
    const { host, port, user, identityFile } = fleet.machine("itchy");
    const direct = { host, port, user, identityFile, identityAgent: null, jumps: [] };
    const first = await pool.lease({ ...machine, route: direct });
    first[Symbol.dispose]();
    const gate = fleet.machine("scratchy");
    const jump = { host: gate.host, port: gate.port, user, identityFile, hostKey: gate.hostKey };
    const before = await logIns("scratchy");
    const second = await pool.lease({ ...machine, route: { ...direct, jumps: [jump] } });
    expect(second.session).not.toBe(first.session);
    expect(await ask(second)).toEqual(new Set());
    expect(await logIns("scratchy")).toBe(before + 1);
    second[Symbol.dispose]();
  });

  it("does not connect anew when only slots or features change", async () => {
    const machine = registered(fleet.machine("itchy"));
    const first = await pool.lease(machine);
    first[Symbol.dispose]();
    const second = await pool.lease({ ...machine, spec: { ...machine.spec, maxJobs: 7, supportedFeatures: ["kvm"] } });
    expect(second.session).toBe(first.session);
    second[Symbol.dispose]();
  });

  it("gives everybody who waits for a connection the reason why there is none", async () => {
    const machine = registered(fleet.machine("itchy"), { hostKey: fleet.machine("scratchy").hostKey });
    const errors = await Promise.all([1, 2, 3].map(() => failure(pool.lease(machine))));
    expect(errors.map(({ code }) => code)).toEqual(Array.from({ length: 3 }, () => "DROVER_HOST_KEY_MISMATCH"));
    expect(errors[0]).toBeInstanceOf(MachineError);
  });

  it("tries again after a failure", async () => {
    const machine = registered(fleet.machine("itchy"));
    const gone = { ...machine, spec: { ...machine.spec, sshKey: "/no/such/identity" } };
    expect((await failure(pool.lease(gone))).code).toBe("DROVER_IDENTITY_MISSING");
    expect((await failure(pool.lease(gone))).message).toContain("/no/such/identity");
    using lease = await pool.lease(machine);
    expect(await ask(lease)).toEqual(new Set());
  });

  it("uses the deployment's identity for a machine that names none", async () => {
    using lease = await pool.lease(registered(fleet.machine("itchy"), { sshKey: null }));
    expect(await ask(lease)).toEqual(new Set());
  });

  it("says that a key is locked, and never asks for the passphrase", async () => {
    const sshKey = await fleet.createClientKey("locked", "correct horse");
    const error = await failure(pool.lease(registered(fleet.machine("itchy"), { sshKey })));
    expect(error.code).toBe("DROVER_IDENTITY_LOCKED");
    expect(error.remedy).toContain("Builds are non-interactive");
  });

  it("uses a locked key that an ssh-agent has", async () => {
    await using agent = await startAgent(fleet.directory);
    const machine = registered(fleet.machine("itchy"), {
      sshKey: await fleet.createClientKey("in-agent", "open sesame"),
    });
    await using asking = new MachinePool({ readIdentity, agent: agent.socket });
    const error = await failure(asking.lease(machine));
    expect(error.code).toBe("DROVER_SSH_AUTHENTICATION");
    expect(error.remedy).toContain("ssh-add");
    await agent.add(machine.spec.sshKey ?? "", "open sesame");
    using lease = await asking.lease(machine);
    expect(await ask(lease)).toEqual(new Set());
  });

  it("leaves nothing behind, neither here nor on the machine", async () => {
    const lease = await pool.lease(registered(fleet.machine("scratchy")));
    lease[Symbol.dispose]();
    await pool.lease(registered(fleet.machine("scratchy")));
    await pool[Symbol.asyncDispose]();
    expect(pool.counts("scratchy")).toEqual({ connections: 0, idle: 0, busy: 0 });
    const left = async () => (await fleet.machine("scratchy").run("pidof nix-store")).stdout;
    await expect.poll(left, { timeout: 5_000 }).toBe("");
    const module = (path: string) => JSON.stringify(join(import.meta.dirname, "../../../runner", path));
    const script = `
      const { MachinePool } = await import(${module("machines/machine-pool.ts")});
      const { parseIdentity } = await import(${module("ssh/identity.ts")});
      const { readFile } = await import("node:fs/promises");
      const readIdentity = async (path) => parseIdentity(await readFile(path, "utf8"), path);
      const pool = new MachinePool({ readIdentity });
      (await pool.lease(${JSON.stringify(registered(fleet.machine("scratchy")))}))[Symbol.dispose]();
      await pool[Symbol.asyncDispose]();
    `;
    // Ends by itself, and soon: nothing keeps the process alive.
    const options = { signal: AbortSignal.timeout(10_000) };
    const outcome = await runCommand(process.execPath, ["--input-type=module", "-e", script], options);
    expect(outcome).toMatchObject({ code: 0, stderr: "" });
  });

  it("stops waiting when it is told to, and has the session for the next one", async () => {
    const machine = registered(fleet.machine("itchy"));
    const abort = new AbortController();
    const waiting = pool.lease(machine, abort.signal);
    abort.abort(new Error("not wanted any more"));
    await expect(waiting).rejects.toThrow("not wanted any more");
    using lease = await pool.lease(machine);
    expect(await ask(lease)).toEqual(new Set());
    expect(pool.counts("itchy")).toEqual({ connections: 1, idle: 0, busy: 1 });
  });
});

describe("a machine that is not set up for builds", () => {
  it.each([
    ["is not reached by SSH", { uri: "local:///srv" }, "DROVER_MACHINE_URI"],
    ["has something else for a host key", { hostKey: "bm90IGEga2V5" }, "DROVER_HOST_KEY"],
    ["has no confirmed host key", { hostKey: null }, "DROVER_HOST_KEY_UNKNOWN"],
  ])("%s", async (_what, spec, code) => {
    const error = await failure(pool.lease(registered(fleet.machine("itchy"), spec)));
    expect(error).toBeInstanceOf(MachineError);
    expect(error.code).toBe(code);
  });

  it("has no Nix on the PATH of its shell", async () => {
    const error = await failure(pool.lease(registered(fleet.machine("pathless"))));
    expect(error.code).toBe("DROVER_NIX_NOT_FOUND");
    expect(error.message).toContain("nix-store: command not found");
    expect(error.remedy).toContain("PATH of non-interactive login shells");
  });

  it.each(["ssh", "ssh-ng"])("has it elsewhere, as remote-program of %s says", async (scheme) => {
    const { spec, ...machine } = registered(fleet.machine("pathless"));
    const program = scheme === "ssh" ? "nix-store" : "nix-daemon";
    const uri = `${spec.uri.replace("ssh:", `${scheme}:`)}?remote-program=/nix/var/nix/profiles/default/bin/${program}`;
    using lease = await pool.lease({ ...machine, spec: { ...spec, uri } });
    expect(await ask(lease)).toEqual(new Set());
  });

  it("prints a greeting of its own", async () => {
    const error = await failure(pool.lease(registered(fleet.machine("noisy"))));
    expect(error.code).toBe("DROVER_SERVE_NOISE");
    expect(error.message).toContain("Welcome to noisy! Have a nice day.");
    expect(error.message).toContain("noisy:");
    expect(error.remedy).toContain(".bashrc");
  });

  it("has a store elsewhere, whose name needs quoting", async () => {
    const { spec, ...machine } = registered(fleet.machine("itchy"));
    const store = "/tmp/it's a store";
    const uri = `${spec.uri}?remote-store=${encodeURIComponent(store)}`;
    using lease = await pool.lease({ ...machine, spec: { ...spec, uri } });
    expect(await ask(lease)).toEqual(new Set());
    expect((await fleet.machine("itchy").run(`test -d "${store}/nix/store"`)).code).toBe(0);
  });
});
