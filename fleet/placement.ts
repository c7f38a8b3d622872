import { ineligibility, type Ineligibility } from "./eligibility.ts";
import type { Machine, MachineFault } from "./machine.ts";
import type { Requirement } from "./requirement.ts";

/** Why a machine that could take the step can not take it now. */
export type Unavailability =
  | { readonly verdict: "drained" }
  | { readonly verdict: "no-host-key" }
  | { readonly verdict: "backing-off"; readonly until: number; readonly reason: MachineFault }
  | { readonly verdict: "full"; readonly running: number; readonly maxJobs: number };

/** The machine was ranked. `load` is slots held ÷ speed factor, before this step. */
interface Ranked {
  readonly verdict: "chosen" | "ranked-lower";
  readonly load: number;
  readonly running: number;
  readonly maxJobs: number;
  readonly speedFactor: number;
}

export type MachineVerdict = { readonly machine: string } & (Ineligibility | Unavailability | Ranked);

/** The recorded decision: which machine, and why not the others. One verdict for every machine, in list order. */
export interface Placement {
  readonly requirement: Requirement;
  readonly chosen: string | null;
  readonly verdicts: readonly MachineVerdict[];
  /** When it was decided, milliseconds since the epoch. */
  readonly decidedAt: number;
}

/**
 * Chooses a machine as Nix's build hook does (build-remote.cc, Nix 2.20 and later): the lowest running ÷ speed
 * factor, then the higher speed factor, then the fewer running, then the earlier in the list. A machine whose slots
 * are all held, which is drained, backing off or has no confirmed host key is no candidate.
 */
export function place(requirement: Requirement, machines: readonly Machine[], now: number): Placement {
  const inOrder = machines.toSorted((a, b) => a.position - b.position || (a.name < b.name ? -1 : 1));
  let best: Machine | undefined;
  const refusals = new Map<Machine, Ineligibility | Unavailability>();
  for (const machine of inOrder) {
    const refusal = ineligibility(machine, requirement) ?? unavailability(machine, now);
    if (refusal !== undefined) refusals.set(machine, refusal);
    else if (best === undefined || ranksBefore(machine, best)) best = machine;
  }
  const verdicts = inOrder.map((machine): MachineVerdict => {
    const refusal = refusals.get(machine);
    return refusal === undefined
      ? { machine: machine.name, ...ranked(machine, machine === best) }
      : { machine: machine.name, ...refusal };
  });
  return { requirement, chosen: best?.name ?? null, verdicts, decidedAt: now };
}

export function unavailability(machine: Machine, now: number): Unavailability | undefined {
  if (machine.mode === "drained") return { verdict: "drained" };
  if (machine.spec.hostKey === null) return { verdict: "no-host-key" };
  if (machine.health.state === "backing-off" && machine.health.until > now) {
    return { verdict: "backing-off", until: machine.health.until, reason: machine.health.reason };
  }
  if (machine.running >= machine.spec.maxJobs) {
    return { verdict: "full", running: machine.running, maxJobs: machine.spec.maxJobs };
  }
  return undefined;
}

/** Computed with 32-bit floats, as in Nix: 6 jobs at speed 2.2 and 9 jobs at speed 3.3 are a tie. */
function ranksBefore(a: Machine, b: Machine): boolean {
  const [speedOfA, speedOfB] = [Math.fround(a.spec.speedFactor), Math.fround(b.spec.speedFactor)];
  const [loadOfA, loadOfB] = [Math.fround(a.running / speedOfA), Math.fround(b.running / speedOfB)];
  if (loadOfA !== loadOfB) return loadOfA < loadOfB;
  if (speedOfA !== speedOfB) return speedOfA > speedOfB;
  return a.running < b.running;
}

function ranked(machine: Machine, chosen: boolean): Ranked {
  return {
    verdict: chosen ? "chosen" : "ranked-lower",
    load: machine.running / machine.spec.speedFactor,
    running: machine.running,
    maxJobs: machine.spec.maxJobs,
    speedFactor: machine.spec.speedFactor,
  };
}
