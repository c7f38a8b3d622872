/** How long a follower counts after it has asked, in milliseconds. */
const followedFor = 60_000;
/** It is written down anew only so often: each time is a write that costs. */
const renewedAfter = 20_000;

/**
 * Until when something is followed, given that somebody asks for news of it now.
 *
 * @param until what is written down already
 * @returns undefined when that will do for now
 */
export function followedUntil(until: number | undefined, now: number): number | undefined {
  return until !== undefined && until > now + followedFor - renewedAfter ? undefined : now + followedFor;
}
