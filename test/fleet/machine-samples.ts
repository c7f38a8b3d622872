import type { Machine, MachineFault } from "../../fleet/machine.ts";
import type { MachineSpec } from "../../nix/machine-spec/types.ts";

export const connectionRefused: MachineFault = {
  code: "DROVER_SSH_CONNECT",
  message: "connection refused",
  remedy: "Start sshd.",
};

/** An idle, healthy, trusted machine of one slot for x86_64-linux, but for what is said otherwise. */
export function machine({
  spec,
  ...changes
}: Partial<Omit<Machine, "spec">> & { spec?: Partial<MachineSpec> } = {}): Machine {
  return {
    name: "itchy",
    position: 0,
    alternatives: [],
    route: null,
    mode: "enabled",
    drainedFor: null,
    running: 0,
    health: { state: "healthy" },
    version: 1,
    ...changes,
    spec: {
      uri: `ssh://${changes.name ?? "itchy"}`,
      systems: ["x86_64-linux"],
      sshKey: null,
      maxJobs: 1,
      speedFactor: 1,
      supportedFeatures: [],
      mandatoryFeatures: [],
      hostKey: "c3NoLWVkMjU1MTkgQUFBQQ==",
      ...spec,
    },
  };
}
