import { type Inspection, inspectionFault } from "./inspection.ts";
import { healthy, hostKeyMismatch, type Machine, type MachineFault, type MachineHealth } from "./machine.ts";
import { backOff, defaultRetryPolicy, type RetryPolicy } from "./retry.ts";

/** For how long a probe that has been asked for is waited for before another one is asked for. Milliseconds. */
const probeTime = 60_000;

/**
 * A machine that backs off is probed when its pause is over: a runner inspects it, so that no step has to find out.
 *
 * @param id of the inspection that is asked for
 * @returns its health while the probe is under way; undefined when no probe is due
 */
export function probing(machine: Machine, id: string, now: number): MachineHealth | undefined {
  const { health, mode, spec } = machine;
  if (health.state !== "backing-off" || health.until > now) return undefined;
  // Nothing would be given to it anyway; whoever enables or trusts it clears its health.
  if (mode === "drained" || spec.hostKey === null) return undefined;
  return { ...health, until: now + probeTime, probe: id };
}

/** What an inspection means for its machine. */
export interface Consequences {
  readonly health: MachineHealth;
  /** Drains it for this reason. */
  readonly drainedFor?: MachineFault;
}

/**
 * @param jitter as for `afterFault`
 * @returns undefined when nothing follows: the machine has been changed since, or it is as it is known to be
 */
export function afterInspection(
  machine: Machine,
  inspection: Inspection,
  now: number,
  jitter: number,
  policy: RetryPolicy = defaultRetryPolicy,
): Consequences | undefined {
  const { health, spec, mode } = machine;
  if (inspection.version !== machine.version) return undefined;
  const fault = inspectionFault(inspection);
  if (fault === undefined) {
    if (health.state !== "backing-off") return undefined;
    return { health: { state: "on-probation", faults: health.faults, reason: health.reason } };
  }
  if (spec.hostKey === null) return undefined;
  if (fault.code === hostKeyMismatch) return mode === "drained" ? undefined : { health: healthy, drainedFor: fault };
  if (health.state !== "backing-off") {
    const faults = health.state === "healthy" ? 1 : health.faults + 1;
    return { health: backOff(faults, fault, now, jitter, policy) };
  }
  // Of several inspections only the probe moves the clock: whoever looks often does not make the pause longer.
  if (health.probe !== inspection.id) return undefined;
  return { health: backOff(health.faults + 1, fault, now, jitter, policy) };
}
