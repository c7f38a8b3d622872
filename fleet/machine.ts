import type { MachineSpec } from "../nix/machine-spec/types.ts";

/** What one line of a machine offers. Several lines of one machine share its slots. */
export type MachineOffer = Pick<
  MachineSpec,
  "systems" | "maxJobs" | "speedFactor" | "supportedFeatures" | "mandatoryFeatures"
>;

/** A machine as the control plane knows it: Nix's spec line, and what has become of it. */
export interface Machine {
  /** `[user@]host[:port]` of the spec's URI; unique in a deployment. */
  readonly name: string;
  /** Place in the imported list. Nix breaks the last tie by list order. */
  readonly position: number;
  /**
   * Its first line. The host key is the one that is trusted: the line's own, or where the line has none, the one that
   * somebody has confirmed.
   */
  readonly spec: MachineSpec;
  /** What its further lines offer, in list order: other systems with other features, say. */
  readonly alternatives: readonly MachineOffer[];
  /** How the ssh_config of whoever imported it reaches the host; null: as the URI says. */
  readonly route: SshRoute | null;
  /** A drained machine finishes what runs and takes nothing new. */
  readonly mode: "enabled" | "drained";
  /** Why Drover itself has drained it: its host key changed. Null when it is enabled, or somebody has drained it. */
  readonly drainedFor: MachineFault | null;
  /** Slots held. Moves only together with a step's state, in one transaction (invariants 1 and 3). */
  readonly running: number;
  readonly health: MachineHealth;
  /** Counts up with every change that somebody makes (spec, mode, host key) and not with slots and health: the ETag. */
  readonly version: number;
}

/** What an ssh_config says of a host alias, resolved where the file is. The URI and the fields of the line go first. */
export interface SshRoute {
  /** Name or address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** Null: who runs the runner. */
  readonly user: string | null;
  /** Path on the runner, as a line's third field. */
  readonly identityFile: string | null;
  /** Socket of an ssh-agent on the runner. */
  readonly identityAgent: string | null;
  /** The hosts to go through, nearest first (`ProxyJump`). */
  readonly jumps: readonly SshJump[];
}

/** A host that is gone through. It sees SSH's ciphertext only, and is checked as machines are (invariant 6). */
export interface SshJump {
  readonly host: string;
  readonly port: number;
  readonly user: string | null;
  readonly identityFile: string | null;
  /** In the form of a machine's eighth field. */
  readonly hostKey: string;
}

/** Whether the machine has lately done what it was asked. Times are milliseconds since the epoch. */
export type MachineHealth =
  | { readonly state: "healthy" }
  | {
      /** It takes nothing until a probe has found it well. */
      readonly state: "backing-off";
      /** Faults in a row; the next build that is carried to its end clears them. */
      readonly faults: number;
      /** When it is probed next. */
      readonly until: number;
      readonly reason: MachineFault;
      /** Id of the inspection that is under way as its probe. */
      readonly probe?: string | undefined;
    }
  /** A probe has found it well, and no build has proved it yet: it takes steps, but one more fault counts on. */
  | { readonly state: "on-probation"; readonly faults: number; readonly reason: MachineFault };

/** Why a machine could not do what it was asked. The code is one of `DROVER_…`, the remedy is for its owner. */
export interface MachineFault {
  readonly code: string;
  readonly message: string;
  readonly remedy?: string | undefined;
}

export const healthy: MachineHealth = { state: "healthy" };

/** All that a machine offers, line by line. */
export function offersOf({ spec, alternatives }: Pick<Machine, "spec" | "alternatives">): readonly MachineOffer[] {
  return [spec, ...alternatives];
}

/** The most steps that it may ever hold, over all its lines. */
export function mostJobs(machine: Pick<Machine, "spec" | "alternatives">): number {
  return Math.max(...offersOf(machine).map(({ maxJobs }) => maxJobs));
}

/** The fault for which a machine is drained at once: whoever answers there is not who answered before. */
export const hostKeyMismatch = "DROVER_HOST_KEY_MISMATCH";
