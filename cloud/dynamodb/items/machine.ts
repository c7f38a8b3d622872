import * as z from "zod";
import { mostJobs, type Machine, type MachineOffer, type SshJump, type SshRoute } from "../../../fleet/machine.ts";
import type { MachineSpec } from "../../../nix/machine-spec/types.ts";
import type { Item } from "../database.ts";
import { machineFault, machineHealth } from "./fault.ts";
import { parseItem } from "./parse-item.ts";

const offer = z.object({
  systems: z.array(z.string()),
  maxJobs: z.number(),
  speedFactor: z.number(),
  supportedFeatures: z.array(z.string()),
  mandatoryFeatures: z.array(z.string()),
}) satisfies z.ZodType<MachineOffer>;

const spec = z.object({
  uri: z.string(),
  ...offer.shape,
  sshKey: z.string().nullable(),
  hostKey: z.string().nullable(),
}) satisfies z.ZodType<MachineSpec>;

const jump = z.object({
  host: z.string(),
  port: z.number(),
  user: z.string().nullable(),
  identityFile: z.string().nullable(),
  hostKey: z.string(),
}) satisfies z.ZodType<SshJump>;

const route = z.object({
  host: z.string(),
  port: z.number(),
  user: z.string().nullable(),
  identityFile: z.string().nullable(),
  identityAgent: z.string().nullable(),
  jumps: z.array(jump),
}) satisfies z.ZodType<SshRoute>;

/** The defaults are for items of the version before alternatives and routes. */
const schema = z.object({
  name: z.string(),
  position: z.number(),
  spec,
  alternatives: z.array(offer).default([]),
  route: route.nullable().default(null),
  mode: z.enum(["enabled", "drained"]),
  drainedFor: machineFault.nullable().default(null),
  running: z.number(),
  health: machineHealth,
  version: z.number(),
}) satisfies z.ZodType<Machine>;

export function machineOfItem(item: Item): Machine {
  return parseItem(schema, item, `machine ${String(item["name"])}`);
}

/** Besides the machine, its item has the most steps that it may hold, for the condition of a claim. */
export function itemOfMachine(machine: Machine) {
  return { ...machine, mostJobs: mostJobs(machine) };
}

/** As it would be read again: without what a caller's objects have beyond their types, which would seem a change. */
export function asStored(machine: Machine): Machine {
  return machineOfItem({ ...machine });
}
