import type { Machine, MachineFault, MachineHealth } from "../../fleet/machine.ts";

/** What an import says of a machine. A line without a host key says nothing about which one is trusted. */
export type MachineEntry = Pick<Machine, "name" | "position" | "spec" | "alternatives" | "route">;

/** The version that a change is meant for: of the machine as somebody has seen it, 0 where there was none. */
export type ExpectedVersion = number | undefined;

/**
 * The fleet: at most some hundred machines, so that reading all of them is one cheap request. Changes that people make
 * count the version up; each of these methods is one atomic change. Where `expected` is given and the machine is not
 * at that version any more, nothing is changed.
 */
export interface Machines {
  /** All machines, in list order. Reads its own writes. */
  list(): Promise<Machine[]>;
  get(name: string): Promise<Machine | undefined>;
  /**
   * Adds a machine or replaces what its lines say. Slots held survive, and so does a trusted host key where the entry
   * has none. Health is cleared when what SSH needs (URI, route, identity, host key) has changed, since an old fault
   * says nothing then; a machine that was drained for its host key is enabled by another one.
   *
   * @returns what changed, so that importing the same text twice says so, and the machine before and after it
   * @throws {DroverError} DROVER_MACHINE_CHANGED, DROVER_SPEED_FACTOR
   */
  register(entry: MachineEntry, expected?: ExpectedVersion): Promise<Registration>;
  /**
   * Somebody drains or enables it. Enabling clears its health, too.
   *
   * @throws {DroverError} DROVER_MACHINE_UNKNOWN, DROVER_MACHINE_CHANGED
   */
  setMode(name: string, mode: Machine["mode"], expected?: ExpectedVersion): Promise<Machine>;
  /**
   * Trusts a host key from now on, in place of any other; clears health, and enables a machine that was drained for
   * its host key.
   *
   * @param hostKey as a line's eighth field
   * @throws {DroverError} DROVER_MACHINE_UNKNOWN, DROVER_MACHINE_CHANGED
   */
  setHostKey(name: string, hostKey: string, expected?: ExpectedVersion): Promise<Machine>;
  /**
   * Forgets an idle machine.
   *
   * @returns "busy" when it holds slots: nothing is changed then; "unknown" when there is none
   * @throws {DroverError} DROVER_MACHINE_CHANGED
   */
  remove(name: string, expected?: ExpectedVersion): Promise<"removed" | "busy" | "unknown">;
  /**
   * What Drover itself has found out about it, by an inspection. Who settles an attempt changes health together with
   * the step (`Steps.settle`).
   *
   * @param before as the caller has seen it
   * @param drainedFor drains it for this reason, which counts its version up
   * @returns whether it was written: not when health or version have changed since
   */
  setHealth(before: Machine, health: MachineHealth, drainedFor?: MachineFault): Promise<boolean>;
}

export interface Registration {
  readonly outcome: "added" | "changed" | "unchanged";
  readonly before: Machine | undefined;
  readonly after: Machine;
}
