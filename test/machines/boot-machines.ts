import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { DroverError } from "../../nix/drover-error.ts";
import { isFleetAlive, registerFleet, unregisterFleet } from "./fleet-identity.ts";
import { openLoopbackNetwork } from "./loopback-network.ts";
import { Machine } from "./machine.ts";
import { writeMachineFiles } from "./machine-files.ts";
import { type FleetMode, type MachineOptions, settleOptions } from "./machine-options.ts";
import { type ProbeEvent, readProbe } from "./probe.ts";
import { createClientKey, writeSharedFiles } from "./shared-files.ts";
import { openSwitchedNetwork } from "./switched-network.ts";
import { removeTree } from "./temporary-directory.ts";

export interface FleetOptions {
  /** Where the machines' disks, keys and logs are; made when missing. One fleet at a time. */
  readonly directory: string;
  readonly machines: readonly MachineOptions[];
  /**
   * `namespaces` (root only): each machine has an address of its own on a network of the fleet's own. `processes`: each
   * has a port on 127.0.0.1, and cannot be cut off; in all else they are the same.
   * @default "namespaces" for root, "processes" for everybody else
   */
  readonly mode?: FleetMode;
}

/** Running machines. Disposing of it ends them and deletes what they had on disk. */
export interface Fleet extends AsyncDisposable {
  /** What findLeftovers() would call it. */
  readonly name: string;
  readonly mode: FleetMode;
  readonly machines: readonly Machine[];
  /** @throws DroverError DROVER_MACHINE_OPTIONS when no machine has this name */
  machine(name: string): Machine;
  /** All spec lines: a `builders` file for Nix. */
  specLines(): string;
  /** The private key that every machine admits; it has no passphrase. */
  readonly identityFile: string;
  /** One more key that every machine admits, locked by a passphrase unless that is "". Returns the private key's path. */
  createClientKey(name: string, passphrase: string): Promise<string>;
  /** Pass it to `probe` derivations: the same path in every machine. */
  readonly probeFile: string;
  /** What `probe` derivations have written so far. */
  probes(): Promise<ProbeEvent[]>;
}

/**
 * Boots real Nix machines on this one: about a quarter of a second each. They end when the fleet is disposed of, and
 * equally when this process ends in whatever way; then only their files stay, for the next fleet in this directory.
 *
 * @throws DroverError DROVER_MACHINES_IN_USE, DROVER_MACHINE_OPTIONS, DROVER_MACHINES_MODE, DROVER_MACHINES_NAMESPACES,
 *   DROVER_MACHINES_NETWORK, DROVER_MACHINE_BOOT; nothing is left running then
 */
export async function bootMachines(options: FleetOptions): Promise<Fleet> {
  const isRoot = process.getuid?.() === 0;
  const mode = options.mode ?? (isRoot ? "namespaces" : "processes");
  if (mode === "namespaces" && !isRoot) {
    throw new DroverError("DROVER_MACHINES_MODE", "machines with addresses of their own can only be booted by root", {
      remedy: 'Run as root, or boot them with mode "processes".',
    });
  }
  const allSettings = options.machines.map((each) => settleOptions(each, isRoot));
  const names = new Set(allSettings.map(({ name }) => name));
  if (names.size < allSettings.length) {
    throw new DroverError("DROVER_MACHINE_OPTIONS", "two machines of the fleet have the same name");
  }
  const directory = resolve(options.directory);

  await using opened = new AsyncDisposableStack();
  const fleetName = await claimDirectory(directory, opened);
  const shared = await writeSharedFiles(directory);
  opened.defer(() => removeTree(shared.directory));
  const network = opened.use(
    mode === "namespaces" ? await openSwitchedNetwork(fleetName, allSettings.length) : openLoopbackNetwork(),
  );

  const booting = allSettings.map(async (settings, index) => {
    const cable = await network.layCable(index);
    opened.defer(() => removeTree(join(directory, settings.name)));
    const files = await writeMachineFiles(directory, settings, cable, shared, fleetName);
    const machine = new Machine({ settings, files, shared, cable, fleetName, mode });
    opened.defer(() => machine.powerOff());
    await machine.powerOn();
    return machine;
  });
  await Promise.allSettled(booting); // so that after a failure none is still on its way up when the others end
  const machines = await Promise.all(booting);

  const closing = opened.move();
  return {
    name: fleetName,
    mode,
    machines,
    identityFile: shared.identityFile,
    probeFile: shared.probeFile,
    machine: (name) => findMachine(machines, name),
    specLines: () => machines.map((each) => `${each.specLine()}\n`).join(""),
    createClientKey: (name, passphrase) => createClientKey(shared, name, passphrase),
    probes: () => readProbe(shared.probeFile),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(machines.map((each) => each.powerOff()));
      await closing.disposeAsync();
    },
  };
}

/** Notes in the directory whose it is, and gives it up when the stack is disposed of. */
async function claimDirectory(directory: string, opened: AsyncDisposableStack): Promise<string> {
  const note = join(directory, "fleet");
  const owner = await readFile(note, "utf8").catch(() => "");
  if (isFleetAlive(owner)) {
    throw new DroverError("DROVER_MACHINES_IN_USE", `${directory} has the machines of another, living fleet`, {
      subject: directory,
      remedy: "Choose another directory.",
      details: { owner },
    });
  }
  const fleetName = registerFleet();
  opened.defer(() => unregisterFleet(fleetName));
  await mkdir(directory, { recursive: true });
  await writeFile(note, fleetName);
  opened.defer(() => rm(note, { force: true }));
  return fleetName;
}

function findMachine(machines: readonly Machine[], name: string): Machine {
  const machine = machines.find((each) => each.name === name);
  if (machine !== undefined) return machine;
  throw new DroverError("DROVER_MACHINE_OPTIONS", `the fleet has no machine ${name}`, {
    subject: name,
    remedy: `It has ${machines.map((each) => each.name).join(", ")}.`,
  });
}
