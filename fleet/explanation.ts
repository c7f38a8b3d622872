import type { MachineVerdict, Placement } from "./placement.ts";

/** One verdict as a phrase that completes "itchy: …". Times are UTC, so that logs of several people compare. */
export function describeVerdict(verdict: MachineVerdict): string {
  switch (verdict.verdict) {
    case "chosen":
      return `chosen (${describeLoad(verdict.load, verdict.running, verdict.maxJobs, verdict.speedFactor)})`;
    case "ranked-lower":
      return `ranked lower (${describeLoad(verdict.load, verdict.running, verdict.maxJobs, verdict.speedFactor)})`;
    case "wrong-system":
      return `wrong system (builds ${verdict.systems.join(", ") || "nothing"}, not ${verdict.wanted})`;
    case "lacks-features":
      return `lacks feature ${verdict.missing.join(", ")}`;
    case "mandatory-features":
      return `takes only steps that ask for ${verdict.notAskedFor.join(", ")}`;
    case "no-slots":
      return "has no slots (maxJobs is 0)";
    case "drained":
      if (verdict.reason === undefined) return "drained";
      return `drained by Drover (${verdict.reason.message}): drover machines show ${verdict.machine}`;
    case "no-host-key":
      return "untrusted: no host key is stored for it (drover machines trust)";
    case "backing-off":
      return `backing off until ${new Date(verdict.until).toISOString()} (${verdict.reason.message})`;
    case "full":
      return `full ${verdict.running}/${verdict.maxJobs}`;
  }
}

function describeLoad(load: number, running: number, maxJobs: number, speedFactor: number): string {
  return `load ${Number(load.toFixed(2))}, ${running}/${maxJobs} slots held, speed factor ${speedFactor}`;
}

/** From nearest to farthest: what is a matter of time, then of an owner's yes, then of another machine. */
const distance: Record<MachineVerdict["verdict"], number> = {
  chosen: 0,
  "ranked-lower": 0,
  full: 1,
  "backing-off": 2,
  drained: 3,
  "no-host-key": 4,
  "no-slots": 5,
  "mandatory-features": 6,
  "lacks-features": 7,
  "wrong-system": 8,
};

/** Why a ready step waits, for people: whether time will help, and the machine that came nearest. */
export interface WaitingReason {
  readonly kind: "all-full" | "backing-off" | "no-eligible-machine" | "no-machines";
  readonly message: string;
  readonly nearest: MachineVerdict | null;
}

/** @returns undefined when the placement chose a machine. */
export function waitingReason(placement: Placement): WaitingReason | undefined {
  if (placement.chosen !== null) return undefined;
  const wanted = describeRequirement(placement);
  const [nearest] = placement.verdicts.toSorted((a, b) => closeness(a) - closeness(b));
  if (nearest === undefined) {
    return { kind: "no-machines", message: `no machine is registered; ${wanted} is wanted`, nearest: null };
  }
  const miss = `${nearest.machine}: ${describeVerdict(nearest)}`;
  if (nearest.verdict === "full") return { kind: "all-full", message: `all slots are held; nearest ${miss}`, nearest };
  if (nearest.verdict === "backing-off") return { kind: "backing-off", message: `nearest ${miss}`, nearest };
  return { kind: "no-eligible-machine", message: `no machine can build ${wanted}; nearest miss ${miss}`, nearest };
}

function closeness(verdict: MachineVerdict): number {
  const lacking = verdict.verdict === "lacks-features" ? verdict.missing.length / 1000 : 0;
  return distance[verdict.verdict] + lacking;
}

function describeRequirement({ requirement: { system, features } }: Placement): string {
  return features.length === 0 ? system : `${system} with ${features.join(", ")}`;
}
