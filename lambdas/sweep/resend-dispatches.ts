import { concurrently } from "../../cloud/concurrently.ts";
import type { FleetEvent } from "../../cloud/ports/queues.ts";
import type { Attempt } from "../../fleet/attempt.ts";
import type { Sweeping } from "./sweeping.ts";

/** Most assigned steps that one sweep looks at: more than all machines of a fleet have slots. */
const most = 10_000;
const readAtOnce = 16;

/** A message is held for 12 hours at most (SQS), so no attempt lasts longer. In milliseconds. */
const longestAttempt = 12 * 3_600_000;

/** The dispatch and the outcome's report are messages that somebody may have crashed before sending. */
export async function resendDispatches(
  { steps, events, now }: Sweeping,
  before: number,
): Promise<{ undispatched: number; unsettled: number }> {
  const found: FleetEvent[] = [];
  await concurrently(await steps.inState("assigned", before, most), readAtOnce, async ({ id, attempt: number }) => {
    const attempt = await steps.attempt(id, number);
    if (attempt === undefined) return;
    if (isUnsettled(attempt, before)) found.push({ type: "attempt-finished", step: id, attempt: number });
    else if (isUndispatched(attempt, now())) found.push({ type: "step-ready", step: id });
  });
  await events.send(found);
  const unsettled = found.filter(({ type }) => type === "attempt-finished").length;
  return { undispatched: found.length - unsettled, unsettled };
}

/** An outcome that has just been recorded is being settled right now, however long the attempt has taken. */
function isUnsettled({ outcome, finishedAt = 0 }: Attempt, before: number): boolean {
  return outcome !== undefined && finishedAt < before;
}

function isUndispatched({ outcome, startedAt }: Attempt, now: number): boolean {
  return outcome === undefined && (startedAt === undefined || startedAt < now - longestAttempt);
}
