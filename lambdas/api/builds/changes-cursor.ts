import { createHash } from "node:crypto";
import type { Build, BuildStep } from "../../../fleet/build.ts";

/**
 * Where a follower of a build is. A step's change can be written down a little after the moment that it bears, so each
 * question looks back once more over the last moments of the answer before; `seen` tells whether there is anything
 * there that this answer did not have.
 */
export interface ChangesCursor {
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** Digest of what has been answered from `since` on; undefined at the start. */
  readonly seen: string | undefined;
}

/** How far each question looks back, in milliseconds. */
const overlap = 1_000;

export function parseChangesCursor(text: string): ChangesCursor {
  const [since = "0", seen] = text.split(".");
  return { since: Number(since), seen };
}

export function printChangesCursor({ since, seen }: ChangesCursor): string {
  return seen === undefined ? String(since) : `${since}.${seen}`;
}

/**
 * Whether there is anything that the answer before did not have.
 *
 * @param more whether there are later changes than these: the answer before had all that there were, and looking back
 *   may fill this one with them
 */
export function isNews(
  { since, seen }: ChangesCursor,
  build: Build,
  { steps, more }: { readonly steps: readonly BuildStep[]; readonly more: boolean },
): boolean {
  return more || seen !== digest(since, build, steps);
}

/**
 * The cursor after an answer.
 *
 * @param complete whether the answer has all changes; otherwise the next one begins after its last moment and does not
 *   look back: where there are more changes than one answer takes, it would never come to an end
 */
export function nextChangesCursor(
  { since }: ChangesCursor,
  build: Build,
  steps: readonly BuildStep[],
  complete: boolean,
): ChangesCursor {
  const last = steps.at(-1)?.changedAt ?? since;
  if (!complete) return { since: last, seen: undefined };
  const next = Math.max(last - overlap, since);
  return { since: next, seen: digest(next, build, steps) };
}

function digest(since: number, build: Build, steps: readonly BuildStep[]): string {
  const facts = steps
    .filter(({ changedAt }) => changedAt > since)
    .map(({ step, state, changedAt, attempt, waiting }) => [step, state, changedAt, attempt, waiting]);
  const text = JSON.stringify([build.state, build.waitingOn.length, facts]);
  return createHash("sha256").update(text).digest("base64url").slice(0, 16);
}
