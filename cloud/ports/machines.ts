import type { Machine } from "../../fleet/machine.ts";
import type { MachineSpec } from "../../nix/machine-spec/types.ts";

/** The fleet: at most some hundred machines, so that reading all of them is one cheap request. */
export interface Machines {
  /** All machines, in list order. Reads its own writes. */
  list(): Promise<Machine[]>;
  get(name: string): Promise<Machine | undefined>;
  /**
   * Adds a machine or replaces its spec and position. Slots held and health survive a change of the spec; health is
   * cleared when what SSH needs (URI, identity, host key) has changed, since an old fault says nothing then.
   *
   * @returns what changed, so that importing the same text twice says so
   */
  register(machine: { name: string; position: number; spec: MachineSpec }): Promise<"added" | "changed" | "unchanged">;
}
