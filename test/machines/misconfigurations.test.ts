import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bootMachines, type Fleet } from "./boot-machines.ts";
import { type Client, createClient, derivationsFile } from "./client.ts";
import type { Machine } from "./machine.ts";
import { type Outcome, runCommand } from "./run-command.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const isRoot = process.getuid?.() === 0;

describe.runIf(isRoot)("a machine with a fault fails as such machines do in real life", () => {
  const opened = new AsyncDisposableStack();
  let fleet: Fleet;
  let client: Client;

  beforeAll(async () => {
    const directory = opened.use(await temporaryDirectory());
    client = await createClient({ directory: `${directory.path}/client` });
    fleet = opened.use(
      await bootMachines({
        directory: `${directory.path}/machines`,
        machines: [
          { name: "untrusted", user: "nixssh", trusted: false },
          { name: "pathless", nixOnPath: false },
          { name: "noisy", noise: "Welcome to noisy!" },
          { name: "small", storeSizeMegabytes: 40, maxSessions: 1 },
          { name: "restricted", forcedCommand: "echo only this", forwarding: false },
          { name: "odd", shell: "/bin/dash", storeDirectory: "/srv/store", programs: { date: 'echo "never, $1"' } },
        ],
      }),
    );
  });
  afterAll(() => opened.disposeAsync());

  /** What a stock Nix client does that has only this machine. */
  async function build(machine: Machine, attribute: string, uri = machine.uri): Promise<Outcome> {
    const derivations = await client.instantiate(derivationsFile, attribute, { salt: machine.name });
    const line = machine.specLine().replace(machine.uri, uri);
    return client.run("nix-store", ["--realise", ...derivations, "--max-jobs", "0", "--builders", line]);
  }

  test("a user whom the nix-daemon does not trust may not build", async () => {
    expect(await build(fleet.machine("untrusted"), "trivial")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("error: you are not privileged to build input-addressed derivations"),
    });
  });

  test("a PATH without Nix: nix-store is not found, unless one says where it is", async () => {
    const machine = fleet.machine("pathless");
    const attempt = await build(machine, "trivial");
    expect(attempt.stderr).toContain("bash: line 1: nix-store: command not found");
    const program = "/nix/var/nix/profiles/default/bin/nix-store";
    expect(await build(machine, "trivial", `${machine.uri}?remote-program=${program}`)).toMatchObject({ code: 0 });
  });

  test("what a login shell prints breaks the protocol", async () => {
    const attempt = await build(fleet.machine("noisy"), "trivial");
    expect(attempt.stderr).toContain("protocol mismatch");
    expect(attempt.stderr).toContain("got 'Welcome to noisy!");
  });

  test("a full disk: Nix's database does not open; with a little space, a builder fails", async () => {
    const machine = fleet.machine("small");
    await machine.fillDisk();
    expect((await build(machine, "big")).stderr).toContain("disk I/O error");
    await machine.freeDisk();
    await machine.fillDisk(5);
    expect((await build(machine, "big")).stderr).toContain("No space left on device");
    await machine.freeDisk();
    expect(await build(machine, "big")).toMatchObject({ code: 0 });
  });

  test("sshd refuses more channels than maxSessions", async () => {
    const machine = fleet.machine("small");
    const control = `ControlPath=${machine.logFile}.control`;
    const holder = machine.ssh("touch /tmp/held; sleep 30", ["-o", "ControlMaster=yes", "-o", control]);
    await expect.poll(async () => (await machine.run("test -e /tmp/held")).code, { timeout: 20_000 }).toBe(0);
    const second = await machine.ssh("true", ["-o", "ControlMaster=no", "-v", "-o", control]);
    expect(second.stderr).toContain("Session open refused by peer");
    await machine.killSessions();
    await holder;
  });

  test("a restricted key runs one command only, and gets nowhere else from there", async () => {
    const machine = fleet.machine("restricted");
    expect(await machine.ssh("echo anything")).toMatchObject({ code: 0, stdout: "only this\n" });
    const { host, port } = fleet.machine("odd");
    const onwards = await machine.ssh("", ["-W", `${host}:${port}`]);
    expect(onwards).toMatchObject({ code: 255, stderr: expect.stringContaining("administratively prohibited") });
  });

  test("sessions have the shell, the programs and the store directory of the machine", async () => {
    const machine = fleet.machine("odd");
    const { stdout } = await machine.ssh("echo $0; date tomorrow; nix-instantiate --eval -E builtins.storeDir");
    expect(stdout).toBe('dash\nnever, tomorrow\n"/srv/store"\n');
  });

  test("a client key that is locked by a passphrase opens with it only", async () => {
    const machine = fleet.machine("pathless");
    const key = await fleet.createClientKey("locked", "open sesame");
    const arguments_ = (await machine.sshArguments()).map((each) => (each === machine.identityFile ? key : each));
    expect(await runCommand("ssh", [...arguments_, "true"])).toMatchObject({
      code: 255,
      stderr: expect.stringContaining("Permission denied (publickey)"),
    });
    const unlocked = await runCommand("ssh-keygen", ["-p", "-P", "open sesame", "-N", "", "-f", key]);
    expect(unlocked).toMatchObject({ code: 0 });
    expect(await runCommand("ssh", [...arguments_, "true"])).toMatchObject({ code: 0 });
  });
});
