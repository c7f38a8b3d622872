import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import { bootMachines } from "./boot-machines.ts";
import { findLeftovers } from "./leftovers.ts";
import { childrenOf, listProcesses } from "./processes.ts";
import { mustRun } from "./run-command.ts";
import { startOwner } from "./start-owner.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const isRoot = process.getuid?.() === 0;
const mode = isRoot ? "namespaces" : "processes";
const patience = { timeout: 20_000, interval: 50 };

/** Everything on this host that belongs to a fleet, whether its owner lives or not. */
function belongings(fleetName: string): string[] {
  const processes = listProcesses().filter(({ pid }) => fleetNameIn(`/proc/${pid}/environ`).includes(fleetName));
  const links = readdirSync("/sys/class/net").filter((link) =>
    fleetNameIn(`/sys/class/net/${link}/ifalias`).includes(fleetName),
  );
  return [...processes.map(({ pid, command }) => `${pid} ${command}`), ...links];
}

function fleetNameIn(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // gone, or another user's
  }
}

/** Processes that sleep for so many seconds, a number that only one test uses. They are in a machine: no names there. */
function sleepers(seconds: string): number[] {
  return listProcesses()
    .filter(({ pid, command }) => command === "sleep" && fleetNameIn(`/proc/${pid}/cmdline`).includes(seconds))
    .map(({ pid }) => pid);
}

describe("nothing of a fleet is left", () => {
  test.concurrent.each(["SIGKILL", "SIGTERM", "SIGINT", "SIGHUP"] as const)(
    "after its owner's death by %s",
    async (signal) => {
      await using directory = await temporaryDirectory();
      await using owner = await startOwner(directory.path, mode);
      const seconds = `4242.${owner.process.pid}`;
      const session = spawn("ssh", [...(owner.machines[0]?.sshArguments ?? []), `setsid sleep ${seconds}`]);
      using _ = { [Symbol.dispose]: () => session.kill() }; // whether the network still told it of the end is not known
      await vi.waitFor(() => expect(sleepers(seconds)).toHaveLength(1), patience);
      expect(belongings(owner.fleetName).length).toBeGreaterThan(4);
      expect((await findLeftovers()).filter((line) => line.includes(owner.fleetName))).toEqual([]);

      const ended = once(owner.process, "exit");
      owner.process.kill(signal);
      await ended;
      await vi.waitFor(() => expect(belongings(owner.fleetName)).toEqual([]), patience);
      expect(sleepers(seconds)).toEqual([]);
      expect((await findLeftovers()).filter((line) => line.includes(owner.fleetName))).toEqual([]);
    },
  );

  test("after its owner has thrown an error", async () => {
    await using directory = await temporaryDirectory();
    await using owner = await startOwner(directory.path, mode, "throw");
    expect(await once(owner.process, "exit")).toEqual([1, null]);
    expect(belongings(owner.fleetName)).toEqual([]);
    expect(readdirSync(directory.path)).toEqual([]);
  });

  test("after it is disposed of, and another fleet goes on beside it", async () => {
    await using directory = await temporaryDirectory();
    const machines = [{ name: "itchy" }];
    await using other = await bootMachines({ directory: `${directory.path}/other`, machines });
    const fleet = await bootMachines({ directory: `${directory.path}/fleet`, machines });
    expect(fleet.machine("itchy").specLine()).not.toBe(other.machine("itchy").specLine());
    const script = `args = [ "-c" "/bin/mkdir $out; exit 0" ];`;
    const build = `nix-build -E 'derivation { name = "x"; system = builtins.currentSystem; builder = "/bin/sh"; ${script} }'`;
    // leaves a read-only directory in the store
    expect(await fleet.machine("itchy").run(build)).toMatchObject({ code: 0 });

    await fleet[Symbol.asyncDispose]();
    expect(belongings(fleet.name)).toEqual([]);
    expect(readdirSync(`${directory.path}/fleet`)).toEqual([]);
    expect(await other.machine("itchy").ssh("hostname")).toMatchObject({ stdout: "itchy\n" });
  });

  test("after a boot that fails", async () => {
    await using directory = await temporaryDirectory();
    const machines = [{ name: "itchy" }, { name: "broken", maxSessions: Number.NaN }];
    await expect(bootMachines({ directory: directory.path, machines })).rejects.toMatchObject({
      code: "DROVER_MACHINE_BOOT",
      message: expect.stringContaining("MaxSessions"),
    });
    expect(childrenOf(process.pid, listProcesses())).toEqual([]);
    expect(readdirSync(directory.path)).toEqual([]);
  });
});

describe("findLeftovers", () => {
  test("names a process and a network link of a fleet whose owner is dead", async () => {
    const fleetName = `${process.pid}.1.1`; // a fleet of a process that had our pid before us
    const orphan = spawn("sleep", ["60"], { env: { ...process.env, DROVER_FLEET: fleetName } });
    await once(orphan, "spawn");
    const link = "drover-999";
    if (isRoot) await mustRun("ip", ["link", "add", link, "type", "veth", "peer", "name", "drover-998"]);
    try {
      if (isRoot) await mustRun("ip", ["link", "set", link, "alias", fleetName]);
      const expected = [`process ${orphan.pid} (sleep) of fleet ${fleetName}`];
      if (isRoot) expected.push(`network link ${link} of fleet ${fleetName}`);
      await expect
        .poll(async () => (await findLeftovers()).filter((line) => line.includes(fleetName)))
        .toEqual(expected);
    } finally {
      orphan.kill("SIGKILL");
      if (isRoot) await mustRun("ip", ["link", "delete", link]);
    }
  });
});

test("a directory whose fleet is dead has place for another, which starts anew", async () => {
  await using directory = await temporaryDirectory();
  await using owner = await startOwner(directory.path, mode);
  const ended = once(owner.process, "exit");
  owner.process.kill("SIGKILL");
  await ended;
  await using fleet = await bootMachines({ directory: directory.path, machines: [{ name: "itchy" }] });
  expect(fleet.machine("itchy").hostKey).not.toBe(owner.machines[0]?.specLine.split(" ")[7]);
  expect(await fleet.machine("itchy").ssh("hostname")).toMatchObject({ stdout: "itchy\n" });
});

test("two machines of one name are refused", async () => {
  const machines = [{ name: "itchy" }, { name: "itchy" }];
  const boot = bootMachines({ directory: "/nonexistent", machines });
  await expect(boot).rejects.toMatchObject({ code: "DROVER_MACHINE_OPTIONS" });
});

test("a directory with a living fleet is not given to another", async () => {
  await using directory = await temporaryDirectory();
  await using fleet = await bootMachines({ directory: directory.path, machines: [{ name: "itchy" }] });
  const second = bootMachines({ directory: directory.path, machines: [{ name: "scratchy" }] });
  await expect(second).rejects.toMatchObject({ code: "DROVER_MACHINES_IN_USE" });
  expect(await fleet.machine("itchy").ssh("hostname")).toMatchObject({ stdout: "itchy\n" });
});
