import type { Builds } from "../../cloud/ports/builds.ts";
import type { Machines } from "../../cloud/ports/machines.ts";
import type { FleetEvent, FleetEvents, PlanRequests } from "../../cloud/ports/queues.ts";
import type { Steps } from "../../cloud/ports/steps.ts";
import { place } from "../../fleet/placement.ts";
import { parseRequirementClass } from "../../fleet/requirement.ts";
import { isFinal, type Step } from "../../fleet/step.ts";

/** What sweeping stands on. */
export interface Sweeping {
  readonly machines: Machines;
  readonly steps: Steps;
  readonly builds: Builds;
  readonly events: FleetEvents;
  readonly plans: PlanRequests;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** What one sweep found. All zero on a healthy system. */
export interface SweepReport {
  /** Builds whose walk stands still: the plan message is sent again. */
  readonly stalledPlans: number;
  /** Steps that wait for nothing unfinished any more: their dependencies are announced again. */
  readonly forgottenWaiting: number;
  /** Assigned steps that no runner has taken up: dispatched again. */
  readonly undispatched: number;
  /** Attempts with an outcome that nobody has settled: reported again. */
  readonly unsettled: number;
  /** Ready steps that a machine has had room for: offered again. */
  readonly forgottenReady: number;
  /** Machines whose slot counter differs from the steps assigned to them, in two looks. Reported, and an alarm. */
  readonly slotDrift: readonly { readonly machine: string; readonly counted: number; readonly held: number }[];
}

/** How long something may stand still before it counts as swallowed by a crash, in milliseconds. */
const patience = 60_000;
const pageSize = 200;

/**
 * Repairs what a crash between two calls can leave (invariant 4). It only sends messages again; their handlers look at
 * the present state and do what is missing, so sweeping a healthy system, or twice, changes nothing.
 */
export async function sweep(sweeping: Sweeping): Promise<SweepReport> {
  const before = sweeping.now() - patience;
  const [stalledPlans, forgottenWaiting, { undispatched, unsettled }, forgottenReady, slotDrift] = await Promise.all([
    resendPlans(sweeping, before),
    announceDependencies(sweeping, before),
    resendDispatches(sweeping, before),
    placeForgotten(sweeping, before),
    findSlotDrift(sweeping),
  ]);
  return { stalledPlans, forgottenWaiting, undispatched, unsettled, forgottenReady, slotDrift };
}

async function resendPlans({ builds, plans }: Sweeping, before: number): Promise<number> {
  const unfinished = await builds.inState("planning", before, pageSize);
  let stalled = 0;
  for (const build of unfinished) {
    const [latest] = await builds.changedSince(build.id, before, 1);
    if (latest !== undefined) continue;
    await plans.send({ build: build.id });
    stalled += 1;
  }
  return stalled;
}

async function announceDependencies({ steps, events, now }: Sweeping, before: number): Promise<number> {
  let forgotten = 0;
  for (const step of await steps.inState("waiting", before, pageSize)) {
    if (step.waitingOn.length === 0) {
      // A crash came between taking the last dependency off and making the step ready; any success finishes that.
      await steps.apply(step.id, { type: "dependency-succeeded", dependency: step.id }, now());
      await events.send([{ type: "step-ready", step: step.id }]);
      forgotten += 1;
      continue;
    }
    const settled = (await steps.getMany(step.waitingOn)).filter(({ state }) => isFinal(state));
    if (settled.length === 0) continue;
    await events.send(settled.map(({ id }) => ({ type: "step-settled", step: id })));
    forgotten += 1;
  }
  return forgotten;
}

async function resendDispatches(
  { steps, events }: Sweeping,
  before: number,
): Promise<{ undispatched: number; unsettled: number }> {
  const found: FleetEvent[] = [];
  for (const step of await steps.inState("assigned", before, pageSize)) {
    const attempt = await steps.attempt(step.id, step.attempt);
    if (attempt?.outcome !== undefined) {
      found.push({ type: "attempt-finished", step: step.id, attempt: step.attempt });
    } else if (attempt?.startedAt === undefined) {
      found.push({ type: "step-ready", step: step.id });
    }
  }
  if (found.length > 0) await events.send(found);
  const unsettled = found.filter(({ type }) => type === "attempt-finished").length;
  return { undispatched: found.length - unsettled, unsettled };
}

/** A step that waits for a machine to be free, or to exist, is healthy; one that a machine could take now is not. */
async function placeForgotten({ steps, machines, events, now }: Sweeping, before: number): Promise<number> {
  const longReady = await steps.inState("ready", before, pageSize);
  if (longReady.length === 0) return 0;
  const fleet = await machines.list();
  const forgotten = [...Map.groupBy(longReady, ({ requirementClass }) => requirementClass)]
    .filter(([key]) => place(parseRequirementClass(key), fleet, now()).chosen !== null)
    .flatMap(([, waiting]) => waiting);
  await events.send(forgotten.map(({ id }) => ({ type: "step-ready", step: id })));
  return forgotten.length;
}

/** Counter and steps are read one after the other and move meanwhile, so only what differs twice alike is drift. */
async function findSlotDrift(sweeping: Sweeping): Promise<SweepReport["slotDrift"]> {
  const first = await countSlots(sweeping);
  if (first.length === 0) return [];
  const second = new Set((await countSlots(sweeping)).map((drift) => JSON.stringify(drift)));
  return first.filter((drift) => second.has(JSON.stringify(drift)));
}

async function countSlots({ steps, machines, now }: Sweeping): Promise<SweepReport["slotDrift"]> {
  const assigned: Step[] = await steps.inState("assigned", now() + patience, 10_000);
  const held = Map.groupBy(assigned, ({ machine }) => machine);
  return (await machines.list())
    .map(({ name, running }) => ({ machine: name, counted: running, held: held.get(name)?.length ?? 0 }))
    .filter(({ counted, held: actual }) => counted !== actual);
}
