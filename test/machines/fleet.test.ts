import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bootMachines, type Fleet } from "./boot-machines.ts";
import { type Client, createClient, derivationsFile, type NixArguments } from "./client.ts";
import { mostAtOnce } from "./probe.ts";
import { type Outcome, mustRun, runCommand } from "./run-command.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import type { Machine } from "./machine.ts";

const isRoot = process.getuid?.() === 0;
let salt = 0;
const newSalt = (): string => `fleet-${process.pid}-${(salt += 1)}`;

/** A command that tells, to the function below, that the connection which runs it is there. */
const announce = "touch /tmp/session-$$";
async function untilAnnounced(machine: Machine, sessions: number): Promise<void> {
  const count = async (): Promise<number> => Number((await machine.run("ls -d /tmp/session-* | wc -l")).stdout);
  await expect.poll(count, { timeout: 20_000 }).toBe(sessions);
  await machine.run("rm /tmp/session-*");
}

describe.runIf(isRoot)("machines in namespaces", () => {
  const opened = new AsyncDisposableStack();
  let fleet: Fleet;
  let client: Client;
  let itchy: Machine;
  let scratchy: Machine;
  let poochie: Machine;

  beforeAll(async () => {
    const directory = opened.use(await temporaryDirectory());
    client = await createClient({ directory: `${directory.path}/client` });
    fleet = opened.use(
      await bootMachines({
        directory: `${directory.path}/machines`,
        machines: [
          {
            name: "itchy",
            maxJobs: 2,
            speedFactor: 3,
            supportedFeatures: ["kvm", "nixos-test"],
            mandatoryFeatures: ["gpu"],
          },
          {
            name: "scratchy",
            systems: ["aarch64-linux", "x86_64-darwin"],
            sandbox: true,
            hostKeyTypes: ["ecdsa", "ed25519"],
          },
          { name: "poochie", user: "nixssh", maxJobs: 2 },
        ],
      }),
    );
    itchy = fleet.machine("itchy");
    scratchy = fleet.machine("scratchy");
    poochie = fleet.machine("poochie");
  });
  afterAll(() => opened.disposeAsync());

  /** What a stock Nix client does that has only this machine. */
  async function build(
    machine: Machine,
    attribute: string,
    args: NixArguments = {},
    line = machine.specLine(),
  ): Promise<Outcome> {
    const derivations = await client.instantiate(derivationsFile, attribute, { salt: newSalt(), ...args });
    return client.run("nix-store", ["--realise", ...derivations, "--max-jobs", "0", "--builders", line]);
  }

  test("a machine's host name is its name, and ssh accepts the host key that it tells", async () => {
    for (const machine of fleet.machines) {
      expect(await machine.ssh("hostname")).toEqual({ stdout: `${machine.name}\n`, stderr: "", code: 0 });
    }
  });

  test("ssh refuses a machine that presents another key", async () => {
    const knownHosts = `UserKnownHostsFile=${fleet.identityFile}.pub`;
    expect(await itchy.ssh("true", ["-o", knownHosts])).toMatchObject({
      code: 255,
      stderr: expect.stringContaining("Host key verification failed"),
    });
  });

  test("the spec line has Nix's eight fields, the host key as base64 prints it", async () => {
    const key = await mustRun("base64", ["-w0", itchy.hostKeyFile]);
    expect(itchy.specLine()).toBe(
      `ssh://root@${itchy.host} x86_64-linux ${fleet.identityFile} 2 3 kvm,nixos-test gpu ${key}`,
    );
    expect(poochie.specLine()).toMatch(/^ssh:\/\/nixssh@10\.\d+\.0\.13 x86_64-linux \S+ 2 1 - - \S+$/u);
    expect(Buffer.from(scratchy.hostKey, "base64").toString()).toMatch(/^ecdsa-sha2-nistp256 /u);
  });

  test("a stock Nix client builds on it, and both have the same NAR hash", async () => {
    const { stdout, stderr, code } = await build(itchy, "feature", { features: "gpu kvm" });
    expect({ stderr, code }).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(`on 'ssh://root@${itchy.host}'`),
    });
    const path = stdout.trim();
    expect(await itchy.narHash(path)).toBe((await client.mustRun("nix-store", ["--query", "--hash", path])).trim());
    expect(await scratchy.hasPath(path)).toBe(false);
  });

  test("it builds for the systems that it claims", async () => {
    expect(await build(scratchy, "trivial", { system: "x86_64-darwin" })).toMatchObject({ code: 0 });
    expect(await build(scratchy, "structuredAttributes", { system: "aarch64-linux" })).toMatchObject({ code: 0 });
  });

  test("it refuses a derivation for a system, or with a feature, that it does not have", async () => {
    const required = { features: "gpu benchmark" };
    const lie = itchy.specLine().replace("kvm,nixos-test", "benchmark");
    expect((await build(itchy, "feature", required, lie)).stderr).toContain(
      "a 'x86_64-linux' with features {benchmark, gpu} is required to build",
    );
    const otherLie = scratchy.specLine().replace("x86_64-darwin", "x86_64-linux");
    expect((await build(scratchy, "trivial", {}, otherLie)).stderr).toContain(
      "but I am a 'aarch64-linux' with features {}",
    );
  });

  test("a plain user builds through the nix-daemon", async () => {
    expect(await build(poochie, "chain", { length: 1 })).toMatchObject({ code: 0 });
  });

  test("machines reach each other with the fleet's key", async () => {
    const command = `ssh -F /dev/null -i ${fleet.identityFile} -o StrictHostKeyChecking=no root@${scratchy.host} hostname`;
    expect(await itchy.run(command)).toMatchObject({ stdout: "scratchy\n", code: 0 });
  });

  test("probes tell which steps ran at once on which machine, sandboxed or not", async () => {
    const probes = { seconds: 1, probeFile: fleet.probeFile };
    await Promise.all([
      build(scratchy, "probe", { ...probes, count: 1, system: "aarch64-linux" }),
      build(poochie, "probe", { ...probes, count: 2 }),
    ]);
    const events = await fleet.probes();
    const ends = events.filter(({ kind }) => kind === "end").map(({ machine, step }) => `${machine} ${step}`);
    expect(ends.toSorted()).toEqual(["poochie probe-1", "poochie probe-2", "scratchy probe-1"]);
    expect(mostAtOnce(events, "poochie")).toBe(2);
    expect(mostAtOnce(events, "scratchy")).toBe(1);
  });

  test("packets of a machine that is cut off vanish, and a connection survives it", async () => {
    const connection = itchy.ssh(`${announce}; sleep 0.5; echo survived`);
    await untilAnnounced(itchy, 1);
    await itchy.cut();
    const attempt = await itchy.ssh("true", ["-o", "ConnectTimeout=1"]);
    expect(attempt).toMatchObject({ code: 255, stderr: expect.stringContaining("Connection timed out") });
    expect(await scratchy.ssh("true")).toMatchObject({ code: 0 });
    await itchy.heal();
    expect(await connection).toMatchObject({ stdout: "survived\n", code: 0 });
  });

  test("a machine without power is dead, and has its store when power is back", async () => {
    const { stdout } = await build(itchy, "feature", { features: "gpu" });
    const connection = itchy.ssh(`${announce}; sleep 60`);
    await untilAnnounced(itchy, 1);
    await itchy.powerOff();
    expect(await connection).toMatchObject({ code: 255 });
    expect(itchy.isOn).toBe(false);
    await expect(itchy.run("true")).rejects.toMatchObject({ code: "DROVER_MACHINE_OFF" });
    expect(await itchy.ssh("true", ["-o", "ConnectTimeout=1"])).toMatchObject({ code: 255 });
    await itchy.powerOn();
    expect(await itchy.hasPath(stdout.trim())).toBe(true);
    expect(await itchy.ssh("hostname")).toMatchObject({ stdout: "itchy\n" });
  });

  test.each(["itchy", "poochie"])("the sessions of %s can be killed while it goes on", async (name) => {
    const machine = fleet.machine(name);
    const sessions = [1, 2].map(() => machine.ssh(`${announce}; sleep 60`));
    await untilAnnounced(machine, 2);
    expect(await machine.killSessions()).toBe(2);
    expect((await Promise.all(sessions)).map(({ code }) => code)).toEqual([255, 255]);
    expect(await machine.ssh("hostname")).toMatchObject({ stdout: `${name}\n` });
  });

  test("a changed host key is another one for ssh", async () => {
    const pinned = await scratchy.sshArguments();
    const before = scratchy.hostKey;
    expect(await scratchy.changeHostKey()).not.toBe(before);
    expect(scratchy.specLine().endsWith(scratchy.hostKey)).toBe(true);
    expect((await runCommand("ssh", [...pinned, "true"])).stderr).toContain("REMOTE HOST IDENTIFICATION HAS CHANGED");
    expect(await scratchy.ssh("true")).toMatchObject({ code: 0 });
  });
});
