import * as z from "zod";
import { inspection } from "./inspections.ts";
import { fault, flag, machineName, moment } from "./words.ts";

/** What one line of a machine offers. */
const offer = {
  systems: z.array(z.string()).meta({ examples: [["x86_64-linux", "i686-linux"]] }),
  maxJobs: z.int().min(0),
  speedFactor: z.number().positive(),
  supportedFeatures: z.array(z.string()),
  mandatoryFeatures: z.array(z.string()),
};

/** Nix's machine specification, defaults filled in. */
const specification = {
  uri: z.string().meta({ examples: ["ssh://nix@mac.example.org"] }),
  ...offer,
  sshKey: z.string().nullable().meta({ description: "Path of the identity on the runner; null: its own" }),
  hostKey: z.string().nullable().meta({ description: "Base64 of the host's public key line; null: untrusted" }),
};

const jump = z.strictObject({
  host: z.string().min(1).max(255),
  port: z.int().min(1).max(65_535),
  user: z.string().min(1).max(255).nullable(),
  identityFile: z.string().startsWith("/").max(4_096).nullable(),
  hostKey: z.string().min(1).max(20_000).meta({ description: "Base64 of the jump host's public key line" }),
});

/** What the client's ssh_config says of a host. */
export const sshRoute = z
  .strictObject({
    host: z.string().min(1).max(255),
    port: z.int().min(1).max(65_535),
    user: z.string().min(1).max(255).nullable(),
    identityFile: z.string().startsWith("/").max(4_096).nullable(),
    identityAgent: z.string().startsWith("/").max(4_096).nullable(),
    jumps: z.array(jump).max(10),
  })
  .meta({ id: "SshRoute", description: "How a host alias of the client's ssh_config is reached" });
export type SshRoute = z.output<typeof sshRoute>;

const machineHealth = z
  .discriminatedUnion("state", [
    z.object({ state: z.literal("healthy") }),
    z.object({ state: z.literal("backing-off"), faults: z.int(), until: moment, reason: fault }),
    z.object({ state: z.literal("on-probation"), faults: z.int(), reason: fault }),
  ])
  .meta({ id: "MachineHealth" });

export const machine = z
  .object({
    name: machineName,
    position: z.int().meta({ description: "Place in the list; it breaks the last tie" }),
    ...specification,
    alternatives: z.array(z.object(offer)).meta({ description: "What further lines of the same machine offer" }),
    route: sshRoute.nullable(),
    mode: z.enum(["enabled", "drained"]),
    drainedFor: fault.nullable().meta({ description: "Why Drover itself has drained it" }),
    running: z.int().min(0).meta({ description: "Slots held" }),
    health: machineHealth,
    trusted: z.boolean().meta({ description: "Whether its host key is known; without one it is not used" }),
    hostKeyFingerprint: z
      .string()
      .nullable()
      .meta({ description: "As `ssh-keygen -l` prints it; several, with commas between, where several are trusted" }),
    inspection: inspection.nullable().meta({ description: "The latest one; null: never inspected" }),
    etag: z.string().meta({ description: "For `If-Match` of a change" }),
  })
  .meta({ id: "Machine" });
export type Machine = z.output<typeof machine>;

export const machineList = z
  .object({ machines: z.array(machine), etag: z.string().meta({ description: "For `If-Match` of an import" }) })
  .meta({ id: "MachineList" });
export type MachineList = z.output<typeof machineList>;

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

/** One line of the text, as Nix understands it. */
const importedLine = z
  .object({
    name: machineName,
    outcome: z
      .enum(["added", "changed", "unchanged"])
      .meta({ description: "Of its machine: lines of one machine have the same" }),
    changes: z
      .array(z.object({ field: z.string(), before: z.string(), after: z.string() }))
      .meta({ description: "What becomes different, in words; empty unless changed" }),
    ...specification,
  })
  .meta({ id: "ImportedMachine" });
export type ImportedMachine = z.output<typeof importedLine>;

const absentMachine = z
  .object({
    name: machineName,
    outcome: z
      .enum(["kept", "removed", "drained"])
      .meta({ description: "`drained`: it could not be removed yet, since steps run on it" }),
  })
  .meta({ id: "AbsentMachine" });

/** What Drover understood of a `builders` text, line by line, and what it did or would do. */
export const machineImport = z
  .object({
    machines: z.array(importedLine),
    absent: z.array(absentMachine).meta({ description: "Machines of the fleet that the text does not name" }),
    errors: z.array(machineRemark),
    lints: z.array(machineRemark),
    etag: z.string().meta({ description: "Of the fleet after it; for `If-Match` of the next import" }),
  })
  .meta({ id: "MachineImport" });
export type MachineImport = z.output<typeof machineImport>;

export const machineImportQuery = z.strictObject({
  dryRun: flag.default(false).meta({ description: "Store nothing" }),
  prune: flag.default(false).meta({ description: "Remove machines that the text does not name" }),
  defaultSystem: z
    .string()
    .regex(/^[0-9A-Za-z_+.-]{1,100}$/, "must be a system such as x86_64-linux")
    .optional()
    .meta({ description: "System of lines that name none: the client's own" }),
  file: z.string().min(1).max(1_000).default("builders").meta({ description: "Name of the text, for messages" }),
});

/** Most characters of all texts of one import. */
const longestText = 4_000_000;

/** Nix's own format: one machine a line. */
export const machineImportText = z
  .string()
  .max(longestText)
  .meta({ examples: ["ssh://nix@mac.example.org x86_64-linux - 8 2 kvm,benchmark - c3NoLWVkMjU1MTkg…\n"] });

/** A part of a file, and where it begins there: a file with includes is sent as the parts before, in and after them. */
export const machineTextPart = z.strictObject({
  file: z.string().min(1).max(4_096),
  line: z.int().min(1).default(1),
  column: z.int().min(1).default(1),
  text: z.string().max(longestText),
});
export type MachineTextPart = z.output<typeof machineTextPart>;

/** The same as JSON, for clients that resolve includes and host aliases. */
export const machineImportParts = z
  .strictObject({
    parts: z.array(machineTextPart).max(10_000),
    routes: z
      .record(z.string(), sshRoute)
      .default({})
      .meta({ description: "By `[user@]host[:port]` as the lines have it" }),
  })
  .meta({ id: "MachineImportParts" });
export type MachineImportParts = z.output<typeof machineImportParts>;

export const machinePath = z.strictObject({ machine: machineName });

/** The ETag that the machine, or the fleet, must still have. */
export const ifMatch = z.looseObject({
  "if-match": z
    .string()
    .regex(/^(\*|"[^"]*")$/, 'must be an ETag such as "3-0a1b2c", or *')
    .optional()
    .meta({ description: "Change it only if it still has this ETag" }),
});

export const machineUpdate = z.strictObject({ mode: z.enum(["enabled", "drained"]) }).meta({ id: "MachineUpdate" });

export const removalQuery = z.strictObject({
  force: flag.default(false).meta({ description: "Also while steps run on it: they are built elsewhere" }),
});

export const machineRemoval = z
  .object({ name: machineName, movedSteps: z.int().meta({ description: "Steps that ran on it, and go elsewhere" }) })
  .meta({ id: "MachineRemoval" });
export type MachineRemoval = z.output<typeof machineRemoval>;

/** The host keys to trust from now on. */
export const hostKeys = z
  .strictObject({
    keys: z
      .array(z.string().min(1).max(20_000))
      .min(1)
      .max(10)
      .meta({ description: "Lines as in .pub files", examples: [["ssh-ed25519 AAAA…"]] }),
    replace: z.boolean().default(false).meta({ description: "Also where other keys are trusted already" }),
  })
  .meta({ id: "HostKeys" });
