import type { Machine, MachineHealth } from "../../../fleet/machine.ts";
import { DroverError } from "../../../nix/drover-error.ts";
import { decodeHostKey, hostKeyFingerprint } from "../../../nix/machine-spec/host-key.ts";
import type { Machine as MachineView } from "../schema/machines.ts";
import { moment } from "./moment.ts";

export function machineView(machine: Machine): MachineView {
  const { name, position, spec, mode, running, health } = machine;
  return {
    name,
    position,
    ...spec,
    mode,
    running,
    health: healthView(health),
    trusted: spec.hostKey !== null,
    hostKeyFingerprint: spec.hostKey === null ? null : fingerprint(spec.hostKey),
  };
}

function healthView(health: MachineHealth): MachineView["health"] {
  return health.state === "healthy" ? health : { ...health, until: moment(health.until) };
}

/** Keys are checked when they are stored; one that an older release let through is shown without a fingerprint. */
function fingerprint(hostKey: string): string | null {
  try {
    return hostKeyFingerprint(decodeHostKey(hostKey).blob);
  } catch (error) {
    if (error instanceof DroverError) return null;
    throw error;
  }
}
