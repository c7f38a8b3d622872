import type { MachineSpec } from "../nix/machine-spec/types.ts";

/** A machine as the control plane knows it: Nix's spec line, and what has become of it. */
export interface Machine {
  /** `[user@]host[:port]` of the spec's URI; unique in a deployment. */
  readonly name: string;
  /** Place in the imported list. Nix breaks the last tie by list order. */
  readonly position: number;
  readonly spec: MachineSpec;
  /** A drained machine finishes what runs and takes nothing new. */
  readonly mode: "enabled" | "drained";
  /** Slots held. Moves only together with a step's state, in one transaction (invariants 1 and 3). */
  readonly running: number;
  readonly health: MachineHealth;
  /** Counts up with every change of the spec or mode: the ETag of edits. */
  readonly version: number;
}

/** Whether the machine has lately done what it was asked. Times are milliseconds since the epoch. */
export type MachineHealth =
  | { readonly state: "healthy" }
  | {
      readonly state: "backing-off";
      /** Faults in a row; the next success clears them. */
      readonly faults: number;
      readonly until: number;
      readonly reason: MachineFault;
    };

/** Why a machine could not do what it was asked. The code is one of `DROVER_…`, the remedy is for its owner. */
export interface MachineFault {
  readonly code: string;
  readonly message: string;
  readonly remedy?: string | undefined;
}

export const healthy: MachineHealth = { state: "healthy" };
