import { mkdir } from "node:fs/promises";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { bootMachines } from "./boot-machines.ts";
import { type Client, createClient, derivationsFile } from "./client.ts";
import { settleOptions } from "./machine-options.ts";
import { type Outcome, mustRun, runCommand } from "./run-command.ts";
import { startOwnerAs } from "./start-owner.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const isRoot = process.getuid?.() === 0;

/** A stock Nix 2.8 client does not understand a port in a URI, so ssh is told by the environment. */
async function build(client: Client, specLine: string, port: number, attribute: string): Promise<Outcome> {
  const parameters = { salt: `processes-${process.pid}`, length: 1 };
  const derivations = await client.instantiate(derivationsFile, attribute, parameters);
  const env = { ...client.environment, NIX_SSHOPTS: `-p ${port}` };
  const args = ["--realise", ...derivations, "--max-jobs", "0", "--builders", specLine.replace(`:${port}`, "")];
  return runCommand("nix-store", args, { env });
}

describe("machines on loopback ports", () => {
  test("build in stores of their own, sandboxed or not, and have their own names", async () => {
    await using directory = await temporaryDirectory();
    const client = await createClient({ directory: `${directory.path}/client` });
    await using fleet = await bootMachines({
      directory: `${directory.path}/machines`,
      mode: "processes",
      machines: [{ name: "itchy" }, { name: "scratchy", maxJobs: 2, sandbox: true, storeSizeMegabytes: 30 }],
    });
    const [itchy, scratchy] = [fleet.machine("itchy"), fleet.machine("scratchy")];
    for (const machine of [itchy, scratchy]) {
      expect(machine.uri).toBe(`ssh://${isRoot ? "root" : "builder"}@127.0.0.1:${machine.port}`);
      expect(await machine.ssh("hostname")).toMatchObject({ stdout: `${machine.name}\n` });
    }
    const { stdout } = await build(client, itchy.specLine(), itchy.port, "tree");
    expect(await itchy.narHash(stdout.trim())).toMatch(/^sha256:[0-9a-z]{52}$/u);
    expect(await scratchy.hasPath(stdout.trim())).toBe(false);
    expect(await build(client, scratchy.specLine(), scratchy.port, "chain")).toMatchObject({ code: 0 });
    await scratchy.fillDisk(3);
    expect((await build(client, scratchy.specLine(), scratchy.port, "big")).stderr).toContain(
      "No space left on device",
    );
  });

  test("refuse connections without power, get the same port back, and cannot be cut off", async () => {
    await using directory = await temporaryDirectory();
    await using fleet = await bootMachines({
      directory: directory.path,
      mode: "processes",
      machines: [{ name: "itchy" }],
    });
    const itchy = fleet.machine("itchy");
    await itchy.powerOff();
    expect((await itchy.ssh("true")).stderr).toContain("Connection refused");
    await itchy.powerOn();
    expect(await itchy.ssh("hostname")).toMatchObject({ stdout: "itchy\n" });
    await expect(itchy.cut()).rejects.toMatchObject({ code: "DROVER_MACHINES_MODE" });
  });

  test.runIf(isRoot)("are booted by a plain user, too", async () => {
    await using directory = await temporaryDirectory();
    await mustRun("chmod", ["755", directory.path]);
    const [machines, mountPoint] = [`${directory.path}/machines`, `${directory.path}/project`];
    await mkdir(machines);
    await mkdir(mountPoint);
    await mustRun("chown", ["games", machines]);
    const client = await createClient({ directory: `${directory.path}/client` });

    await expect(startOwnerAs("games", mountPoint, machines, "namespaces")).rejects.toThrow(
      "can only be booted by root",
    );
    await using owner = await startOwnerAs("games", mountPoint, machines, "processes");
    expect(owner.machines.map(({ name }) => name)).toEqual(["itchy", "scratchy"]);
    for (const { name, sshArguments, specLine, port } of owner.machines) {
      expect(specLine).toMatch(/^ssh:\/\/builder@127\.0\.0\.1:\d+ /u);
      const { stdout } = await runCommand("ssh", [...sshArguments, "hostname; id -un; grep CapEff /proc/self/status"]);
      expect(stdout).toBe(`${name}\nbuilder\nCapEff:\t0000000000000000\n`);
      expect(await build(client, specLine, port, name === "itchy" ? "chain" : "multipleOutputs")).toMatchObject({
        code: 0,
      });
    }
    const ended = once(owner.process, "exit");
    owner.process.kill("SIGKILL");
    await ended;
    const refused = async (): Promise<number> =>
      (await runCommand("ssh", [...(owner.machines[0]?.sshArguments ?? []), "true"])).code;
    await expect.poll(refused, { timeout: 10_000 }).toBe(255);
  });
});

test("a plain user is told that a nix-daemon needs root", () => {
  expect(() => settleOptions({ name: "itchy", user: "nixssh" }, false)).toThrow("only root can boot a machine");
});
