import { announceForgotten } from "./announce-forgotten.ts";
import { lookTwice, type SlotDrift } from "./look-twice.ts";
import { resendDispatches } from "./resend-dispatches.ts";
import { resendProbes } from "./resend-probes.ts";
import { resendPlans } from "./resend-plans.ts";
import type { Sweeping } from "./sweeping.ts";

/** What one sweep found. All zero on a healthy system. */
export interface SweepReport {
  /** Builds whose walk stands still: the plan message is sent again. */
  readonly stalledPlans: number;
  /** Builds that wait for nothing unfinished any more: their targets are announced again. */
  readonly forgottenBuilds: number;
  /** Steps that wait for nothing unfinished any more: their dependencies are announced again. */
  readonly forgottenWaiting: number;
  /** Assigned steps that no runner has taken up, or can still have: dispatched again. */
  readonly undispatched: number;
  /** Attempts with an outcome that nobody has settled: reported again. */
  readonly unsettled: number;
  /** Ready steps that a machine has had room for, in two looks: offered again. */
  readonly forgottenReady: number;
  /** Machines whose probe is overdue: they are asked for again. */
  readonly unprobed: number;
  /** Machines whose slot counter differs from the steps assigned to them, in two looks. Reported, and an alarm. */
  readonly slotDrift: readonly SlotDrift[];
}

/** How long something may stand still before it counts as swallowed by a crash, in milliseconds. */
const patience = 60_000;

/**
 * Repairs what a crash between two calls can leave (invariant 4). It only sends messages again, and finishes what was
 * half written; the handlers look at the present state and do what is missing, so sweeping a healthy system, or twice,
 * changes nothing.
 */
export async function sweep(sweeping: Sweeping): Promise<SweepReport> {
  const before = sweeping.now() - patience;
  const [stalledPlans, forgotten, attempts, unprobed, looks] = await Promise.all([
    resendPlans(sweeping, before),
    announceForgotten(sweeping, before),
    resendDispatches(sweeping, before),
    resendProbes(sweeping, before),
    lookTwice(sweeping, before),
  ]);
  return { stalledPlans, ...forgotten, ...attempts, unprobed, ...looks };
}
