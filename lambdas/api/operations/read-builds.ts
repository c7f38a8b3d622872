import * as z from "zod";
import type { Build } from "../../../fleet/build.ts";
import { DroverError } from "../../../nix/drover-error.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { buildList, buildPath, buildStepList, buildWithCounts, pageQuery, type StepCounts } from "../schema/builds.ts";
import { buildStepView, buildView } from "../views/build.ts";
import { jsonOperation } from "./operation.ts";

/** Steps that are counted with one query. */
const countedAtOnce = 1_000;

export const listBuilds = jsonOperation({
  summary: "List builds, newest first",
  tag: "builds",
  input: z.object({ query: pageQuery }),
  result: buildList,
  async run({ builds }, { query }) {
    const page = await builds.list(query.limit, query.cursor);
    return { builds: page.builds.map((build) => buildView(build)), next: page.cursor };
  },
});

export const getBuild = jsonOperation({
  summary: "Show one build, and how far it is",
  tag: "builds",
  input: z.object({ path: buildPath }),
  result: buildWithCounts,
  problems: [404],
  async run(dependencies, { path }) {
    const build = await findBuild(dependencies, path.build);
    return { ...buildView(build, build.targets.length), steps: await countSteps(dependencies, build.id) };
  },
});

export const listBuildSteps = jsonOperation({
  summary: "List the steps of a build",
  tag: "builds",
  input: z.object({ path: buildPath, query: pageQuery }),
  result: buildStepList,
  problems: [404],
  async run(dependencies, { path, query }) {
    const build = await findBuild(dependencies, path.build);
    const page = await dependencies.builds.steps(build.id, query.limit, query.cursor);
    return { steps: page.steps.map(buildStepView), next: page.cursor };
  },
});

/** @throws {DroverError} DROVER_BUILD_UNKNOWN */
export async function findBuild({ builds }: ApiDependencies, id: string): Promise<Build> {
  const build = await builds.get(id);
  if (build !== undefined) return build;
  throw new DroverError("DROVER_BUILD_UNKNOWN", `There is no build '${id}'.`, {
    subject: id,
    remedy: "See `drover builds list` for the ids of all builds.",
  });
}

async function countSteps({ builds }: ApiDependencies, build: string): Promise<StepCounts> {
  const counts: StepCounts = {
    planning: 0,
    waiting: 0,
    ready: 0,
    assigned: 0,
    succeeded: 0,
    failed: 0,
    "dependency-failed": 0,
  };
  let cursor: string | undefined;
  do {
    const page = await builds.steps(build, countedAtOnce, cursor);
    for (const { state } of page.steps) counts[state] += 1;
    cursor = page.cursor;
  } while (cursor !== undefined);
  return counts;
}
