import { concurrently } from "../../cloud/concurrently.ts";
import { isFinished, type Build } from "../../fleet/build.ts";
import { storePathHash, type StorePath } from "../../nix/store-path.ts";
import { refuseUnknownOutputs } from "./check-derivation.ts";
import { DerivationFiles } from "./derivation-files.ts";
import { presentPaths, wantedPaths } from "./examine.ts";
import { expandStep, wantSteps, type WantedStep } from "./expand-step.ts";
import type { Planning } from "./planning.ts";
import { refusalOf } from "./refusal.ts";

/** Derivations that are read at the same time. */
const width = 16;

/**
 * Turns a build into steps: walks from its targets to their inputs, leaves out whatever a cache already has, and sets
 * each step on its way as soon as it is known. What has been walked is in the build's list, so a walk that runs out of
 * time is continued by the next invocation, and one that crashed by the message's redelivery.
 *
 * @param outOfTime asked between groups; true makes the walk hand over to a next invocation
 */
export async function planBuild(planning: Planning, id: string, outOfTime: () => boolean): Promise<void> {
  const { builds, plans, now } = planning;
  const build = await builds.get(id);
  if (build === undefined || isFinished(build.state)) return;
  const files = new DerivationFiles(planning.sources);
  const started = build.state === "planning" ? await startOrFail(planning, files, build) : [];
  if (started === undefined) return;
  // A build of few targets begins with them at once. With many, an invocation before may have walked some already, and
  // only the list knows which.
  let entries: WantedStep[] = started.length <= width ? started : [];
  for (;;) {
    const isFromList = entries.length === 0;
    if (isFromList) entries = await builds.unplanned(id, width);
    if (entries.length === 0) break;
    await Promise.all(entries.splice(0, width).map((entry) => expandStep(planning, files, build, entry)));
    // Only the list gets shorter: whoever stopped at the targets would hand over to the same work, for ever.
    if (isFromList && outOfTime()) {
      await plans.send({ build: id });
      return;
    }
  }
  await builds.planningDone(id, now());
}

/** @returns undefined for a build that asks for what its targets do not have: it has failed */
async function startOrFail(
  planning: Planning,
  files: DerivationFiles,
  build: Build,
): Promise<WantedStep[] | undefined> {
  try {
    return await startWithTargets(planning, files, build);
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === undefined) throw error;
    await planning.builds.fail(build.id, refusal, planning.now());
    return undefined;
  }
}

/**
 * Targets whose wanted outputs are all there already are settled at once; the others become steps, after all of them
 * have been found to have the outputs that are wanted.
 */
async function startWithTargets(planning: Planning, files: DerivationFiles, build: Build): Promise<WantedStep[]> {
  const { builds, now } = planning;
  const done = new Set<StorePath>();
  await concurrently(build.targets, width, async ({ drvPath, outputs }) => {
    const wanted = await outputsOf(files, drvPath, outputs);
    const present = await presentPaths(planning, wanted);
    if (wanted.length > 0 && wanted.every((path) => present.has(path))) done.add(drvPath);
  });
  const missing = build.targets.map(({ drvPath }) => drvPath).filter((drvPath) => !done.has(drvPath));
  const entries = await wantSteps(planning, build, missing);
  await concurrently(done, width, async (drvPath) => {
    await builds.targetSettled(build.id, storePathHash(drvPath), undefined, now());
  });
  return entries;
}

/**
 * None where the derivation can not be read: its step is then refused with the reason when it is examined.
 *
 * @throws {DroverError} DROVER_DERIVATION_OUTPUT
 */
async function outputsOf(files: DerivationFiles, drvPath: StorePath, names: readonly string[]): Promise<StorePath[]> {
  const drv = await files.read(drvPath).catch((error: unknown) => {
    if (refusalOf(error) === undefined) throw error;
    return undefined;
  });
  if (drv === undefined) return [];
  refuseUnknownOutputs(drv, drvPath, names);
  return wantedPaths(drv, names);
}
