import * as z from "zod";
import { fault, flag, machineName, moment } from "./words.ts";

/** Nix's machine specification, defaults filled in. */
const specification = {
  uri: z.string().meta({ examples: ["ssh://nix@mac.example.org"] }),
  systems: z.array(z.string()).meta({ examples: [["x86_64-linux", "i686-linux"]] }),
  sshKey: z.string().nullable().meta({ description: "Path of the identity file on the runner; null: its own" }),
  maxJobs: z.int().min(0),
  speedFactor: z.number().positive(),
  supportedFeatures: z.array(z.string()),
  mandatoryFeatures: z.array(z.string()),
  hostKey: z.string().nullable().meta({ description: "Base64 of the host's public key line; null: untrusted" }),
};

const machineHealth = z
  .discriminatedUnion("state", [
    z.object({ state: z.literal("healthy") }),
    z.object({ state: z.literal("backing-off"), faults: z.int(), until: moment, reason: fault }),
  ])
  .meta({ id: "MachineHealth" });

export const machine = z
  .object({
    name: machineName,
    position: z.int().meta({ description: "Place in the list; it breaks the last tie" }),
    ...specification,
    mode: z.enum(["enabled", "drained"]),
    running: z.int().min(0).meta({ description: "Slots held" }),
    health: machineHealth,
    trusted: z.boolean().meta({ description: "Whether its host key is known; without one it is not used" }),
    hostKeyFingerprint: z.string().nullable().meta({ description: "As `ssh-keygen -l` prints it" }),
  })
  .meta({ id: "Machine" });
export type Machine = z.output<typeof machine>;

export const machineList = z.object({ machines: z.array(machine) }).meta({ id: "MachineList" });

/** An error or lint of the `builders` text. Lines and columns count from 1. */
export const machineRemark = z
  .object({
    file: z.string(),
    line: z.int(),
    column: z.int(),
    code: z.string(),
    message: z.string(),
    remedy: z.string(),
  })
  .meta({ id: "MachineRemark" });
export type MachineRemark = z.output<typeof machineRemark>;

const importedMachine = z
  .object({ name: machineName, outcome: z.enum(["added", "changed", "unchanged"]), ...specification })
  .meta({ id: "ImportedMachine" });
export type ImportedMachine = z.output<typeof importedMachine>;

/** What Drover understood of a `builders` text, line by line. */
export const machineImport = z
  .object({ machines: z.array(importedMachine), errors: z.array(machineRemark), lints: z.array(machineRemark) })
  .meta({ id: "MachineImport" });
export type MachineImport = z.output<typeof machineImport>;

export const machineImportQuery = z.strictObject({
  dryRun: flag.default(false).meta({ description: "Store nothing" }),
  defaultSystem: z
    .string()
    .regex(/^[0-9A-Za-z_+.-]{1,100}$/, "must be a system such as x86_64-linux")
    .optional()
    .meta({ description: "System of lines that name none: the client's own" }),
  file: z.string().min(1).max(1_000).default("builders").meta({ description: "Name of the text, for messages" }),
});

/** Nix's own format: one machine a line. */
export const machineImportText = z
  .string()
  .max(1_000_000)
  .meta({ examples: ["ssh://nix@mac.example.org x86_64-linux - 8 2 kvm,benchmark - c3NoLWVkMjU1MTkg…\n"] });

export const machinePath = z.strictObject({ machine: machineName });
