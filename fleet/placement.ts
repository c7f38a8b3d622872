import { eligibleOffers, ineligibility, type Ineligibility } from "./eligibility.ts";
import { type Machine, type MachineFault, type MachineOffer, mostJobs } from "./machine.ts";
import type { Requirement } from "./requirement.ts";

/** Why a machine that could take the step can not take it now. */
export type Unavailability =
  /** `reason` where Drover itself has drained it: its host key changed. */
  | { readonly verdict: "drained"; readonly reason?: MachineFault | undefined }
  | { readonly verdict: "no-host-key" }
  /** `until`: when it is probed next. */
  | { readonly verdict: "backing-off"; readonly until: number; readonly reason: MachineFault }
  | { readonly verdict: "full"; readonly running: number; readonly maxJobs: number };

/** The machine was ranked. `load` is slots held ÷ speed factor, before this step. */
interface Ranked {
  readonly verdict: "chosen" | "ranked-lower";
  readonly load: number;
  readonly running: number;
  /** Of the line that fits best. */
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

/** A line that could take the step now, and how many steps its machine has. */
interface Candidate {
  readonly machine: Machine;
  readonly offer: MachineOffer;
}

/**
 * Chooses a machine as Nix's build hook does (build-remote.cc, Nix 2.20 and later): the lowest running ÷ speed
 * factor, then the higher speed factor, then the fewer running, then the earlier in the list. A machine whose slots
 * are all held, which is drained, backing off or has no confirmed host key is no candidate. Of several lines of one
 * machine each is a candidate, as for Nix.
 */
export function place(requirement: Requirement, machines: readonly Machine[], now: number): Placement {
  const inOrder = machines.toSorted((a, b) => a.position - b.position || (a.name < b.name ? -1 : 1));
  let best: Candidate | undefined;
  const looks = inOrder.map((machine) => {
    const look = lookAt(machine, requirement);
    if (!("offer" in look)) return { machine, refusal: look };
    if (best === undefined || ranksBefore(look, best)) best = look;
    return { machine, candidate: look };
  });
  const verdicts = looks.map(({ machine: { name }, refusal, candidate }): MachineVerdict => {
    if (candidate === undefined) return { machine: name, ...refusal };
    return { machine: name, ...ranked(candidate, candidate === best) };
  });
  return { requirement, chosen: best?.machine.name ?? null, verdicts, decidedAt: now };
}

/** Why it can take nothing at all now, whatever it is. */
export function unavailability(machine: Machine): Unavailability | undefined {
  const { mode, drainedFor, spec, health, running } = machine;
  if (mode === "drained") return { verdict: "drained", ...(drainedFor !== null && { reason: drainedFor }) };
  if (spec.hostKey === null) return { verdict: "no-host-key" };
  if (health.state === "backing-off") return { verdict: "backing-off", until: health.until, reason: health.reason };
  const maxJobs = mostJobs(machine);
  return running >= maxJobs ? { verdict: "full", running, maxJobs } : undefined;
}

function lookAt(machine: Machine, requirement: Requirement): Ineligibility | Unavailability | Candidate {
  const never = ineligibility(machine, requirement);
  if (never !== undefined) return never;
  const notNow = unavailability(machine);
  if (notNow !== undefined && notNow.verdict !== "full") return notNow;
  const { running } = machine;
  const offers = eligibleOffers(machine, requirement);
  const [first, ...others] = offers.filter(({ maxJobs }) => running < maxJobs).map((offer) => ({ machine, offer }));
  if (first !== undefined) return others.reduce((best, other) => (ranksBefore(other, best) ? other : best), first);
  return { verdict: "full", running, maxJobs: Math.max(...offers.map(({ maxJobs }) => maxJobs)) };
}

/** Computed with 32-bit floats, as in Nix: 6 jobs at speed 2.2 and 9 jobs at speed 3.3 are a tie. */
function ranksBefore(a: Candidate, b: Candidate): boolean {
  const [speedOfA, speedOfB] = [Math.fround(a.offer.speedFactor), Math.fround(b.offer.speedFactor)];
  const [loadOfA, loadOfB] = [Math.fround(a.machine.running / speedOfA), Math.fround(b.machine.running / speedOfB)];
  if (loadOfA !== loadOfB) return loadOfA < loadOfB;
  if (speedOfA !== speedOfB) return speedOfA > speedOfB;
  return a.machine.running < b.machine.running;
}

function ranked({ machine: { running }, offer: { speedFactor, maxJobs } }: Candidate, chosen: boolean): Ranked {
  return { verdict: chosen ? "chosen" : "ranked-lower", load: running / speedFactor, running, maxJobs, speedFactor };
}
