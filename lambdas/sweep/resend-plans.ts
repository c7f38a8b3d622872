import type { Sweeping } from "./sweeping.ts";

/** Most builds that one sweep looks at, the oldest first. */
const most = 1_000;

/** A walk notes its progress in the build's list. */
export async function resendPlans({ builds, plans }: Sweeping, before: number): Promise<number> {
  let stalled = 0;
  for (const build of await builds.inState("planning", before, most)) {
    const { steps } = await builds.changedSince(build.id, before, 1);
    if (steps.length > 0) continue;
    await plans.send({ build: build.id });
    stalled += 1;
  }
  return stalled;
}
