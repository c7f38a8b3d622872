import * as z from "zod";
import type { ChangedSteps } from "../../../cloud/ports/builds.ts";
import { type Build, isFinished } from "../../../fleet/build.ts";
import { isNews, nextChangesCursor, parseChangesCursor, printChangesCursor } from "../builds/changes-cursor.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { buildChanges, buildPath, changesQuery } from "../schema/builds.ts";
import { buildStepView, buildView } from "../views/build.ts";
import { followedUntil } from "./following.ts";
import { jsonOperation } from "./operation.ts";
import { findBuild } from "./read-builds.ts";
import { waitFor } from "./wait-for.ts";

/** Most changed steps of one answer. */
const stepsAtOnce = 3_000;

export const getBuildChanges = jsonOperation({
  summary: "Follow a build",
  description:
    "Answers as soon as a step of the build changes or the build finishes, or when `wait` is over. Until the state of the build is succeeded or failed, ask again with `since` = `next`.",
  tag: "builds",
  input: z.object({ path: buildPath, query: changesQuery }),
  result: buildChanges,
  problems: [404],
  async run(dependencies, { path, query }, { signal }) {
    const cursor = parseChangesCursor(query.since);
    await follow(dependencies, await findBuild(dependencies, path.build));
    const look = async (): Promise<ChangedSteps & { build: Build }> => {
      // The build first: when it is finished, every change of its steps has been written down.
      const build = await findBuild(dependencies, path.build);
      return { build, ...(await dependencies.builds.changedSince(build.id, cursor.since, stepsAtOnce)) };
    };
    const { build, steps, more } = await waitFor(
      look,
      (found) => isFinished(found.build.state) || isNews(cursor, found.build, found),
      { seconds: query.wait, signal },
    );
    const next = nextChangesCursor(cursor, build, steps, !more);
    return { build: buildView(build), steps: steps.map(buildStepView), next: printChangesCursor(next) };
  },
});

async function follow({ builds, now }: ApiDependencies, build: Build): Promise<void> {
  const until = isFinished(build.state) ? undefined : followedUntil(build.followedUntil, now());
  if (until !== undefined) await builds.followed(build.id, until);
}
