import { healthy, hostKeyMismatch, type Machine } from "../../../fleet/machine.ts";

/**
 * The machine with another host key to trust. What was found out with the old one says nothing any more; a machine
 * that was drained for it is enabled, and one that somebody has drained is not.
 */
export function trusting(machine: Machine, hostKey: string): Machine {
  return {
    ...machine,
    spec: { ...machine.spec, hostKey },
    health: healthy,
    ...(machine.drainedFor?.code === hostKeyMismatch && { mode: "enabled", drainedFor: null }),
  };
}
