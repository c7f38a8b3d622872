import * as z from "zod";
import type { Machine } from "../../../fleet/machine.ts";
import type { MachineSpec } from "../../../nix/machine-spec/types.ts";
import type { Item } from "../database.ts";
import { machineHealth } from "./fault.ts";
import { parseItem } from "./parse-item.ts";

const spec = z.object({
  uri: z.string(),
  systems: z.array(z.string()),
  sshKey: z.string().nullable(),
  maxJobs: z.number(),
  speedFactor: z.number(),
  supportedFeatures: z.array(z.string()),
  mandatoryFeatures: z.array(z.string()),
  hostKey: z.string().nullable(),
}) satisfies z.ZodType<MachineSpec>;

const schema = z.object({
  name: z.string(),
  position: z.number(),
  spec,
  mode: z.enum(["enabled", "drained"]),
  running: z.number(),
  health: machineHealth,
  version: z.number(),
}) satisfies z.ZodType<Machine>;

export function machineOfItem(item: Item): Machine {
  return parseItem(schema, item, `machine ${String(item["name"])}`);
}

export function itemOfMachine(machine: Machine) {
  return { ...machine };
}
