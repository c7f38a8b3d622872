import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Secrets } from "../../cloud/ports/secrets.ts";
import { readIdentity } from "../../cloud/secrets/identity-file.ts";
import type { Machine as FleetMachine } from "../../fleet/machine.ts";
import { parseMachines } from "../../nix/machine-spec/parse.ts";
import { decodeHostKeys } from "../../nix/machine-spec/host-key.ts";
import { parseIdentity } from "../../runner/ssh/identity.ts";
import type { SshTarget } from "../../runner/ssh/target.ts";
import { bootMachines, type Fleet } from "../machines/boot-machines.ts";
import type { MachineOptions } from "../machines/machine-options.ts";
import type { Machine } from "../machines/machine.ts";

export type RunnerFleet = Fleet & { readonly directory: string };

/** Real machines in a directory of their own, for one test file. */
export async function bootForRunner(...machines: MachineOptions[]): Promise<RunnerFleet> {
  const directory = await mkdtemp(join(tmpdir(), "drover-runner-"));
  const fleet = await bootMachines({ directory, machines });
  return {
    ...fleet,
    directory,
    [Symbol.asyncDispose]: async () => {
      await fleet[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Secrets of a deployment whose own identity is the one that all machines admit. */
export function secretsOf(fleet: Fleet): Pick<Secrets, "read" | "readIdentity"> {
  return { read: () => readFile(fleet.identityFile, "utf8"), readIdentity };
}

/** How to connect to a test machine, unless something is to be wrong about it. */
export async function targetOf(machine: Machine, wrong: Partial<SshTarget> = {}): Promise<SshTarget> {
  const identity = parseIdentity(await readFile(machine.identityFile, "utf8"), machine.identityFile);
  return {
    machine: machine.name,
    host: machine.host,
    port: machine.port,
    user: machine.user,
    identity,
    hostKeys: decodeHostKeys(machine.hostKey),
    ...wrong,
  };
}

/** A test machine as the fleet knows it: what its own line says. */
export function registered(
  machine: Machine,
  spec: Partial<FleetMachine["spec"]> = {},
): Pick<FleetMachine, "name" | "spec" | "alternatives" | "route" | "version"> {
  const [parsed] = parseMachines(machine.specLine(), { defaultSystem: "x86_64-linux" }).machines;
  if (parsed === undefined) throw new Error(`not a machine: ${machine.specLine()}`);
  return { name: machine.name, spec: { ...parsed, ...spec }, alternatives: [], route: null, version: 1 };
}
