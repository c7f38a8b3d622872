import type { FleetEvent } from "../../cloud/ports/queues.ts";
import type { OwnStepEvent } from "../../cloud/ports/steps.ts";
import { isFinal, type Step, type StepId } from "../../fleet/step.ts";
import type { Build, BuildStep } from "../../fleet/build.ts";
import { storePathHash, storePathName, type StorePath } from "../../nix/store-path.ts";
import type { DerivationFiles } from "./derivation-files.ts";
import { examine, type Examination } from "./examine.ts";
import type { Planning } from "./planning.ts";
import { refusalOf } from "./refusal.ts";

/** An entry of a build's list, and its step where that has just been seen. */
export type WantedStep = BuildStep & { readonly known?: Step | undefined };

/**
 * Reads one derivation of a build's list, adds the inputs that must be built first to the list, and sets the step on
 * its way. May be repeated at any point. The order matters: first everybody is written down as a dependent of what it
 * waits for, and only then is looked whether that has been settled meanwhile, so that no settlement is missed.
 */
export async function expandStep(
  planning: Planning,
  files: DerivationFiles,
  build: Build,
  entry: WantedStep,
): Promise<void> {
  const { steps, builds, events, now } = planning;
  const { event, waitingOn } = await findOut(planning, files, build, entry);
  const changed = await steps.apply(entry.step, event, now(), entry.known);
  // A dependency that was settled before this step was among its dependents tells it nothing by itself.
  const settled = (await steps.getMany(waitingOn)).filter(({ state }) => isFinal(state));
  const step = changed ?? (await steps.get(entry.step));
  await Promise.all([
    events.send([...settled.map(({ id }) => settledEvent(id)), ...(step === undefined ? [] : nextEvent(step))]),
    step === undefined ? undefined : builds.reflect(build.id, step),
  ]);
  // Last, since it ends the plan message's duty for this step.
  await builds.planned(build.id, entry.step);
}

/** What becomes of the step. Its inputs have been made steps by then, and it is among their dependents. */
async function findOut(
  planning: Planning,
  files: DerivationFiles,
  build: Build,
  entry: BuildStep,
): Promise<{ event: OwnStepEvent; waitingOn: readonly StepId[] }> {
  let examination: Examination;
  try {
    examination = await examine(planning, files, entry.drvPath);
  } catch (error) {
    const failure = refusalOf(error);
    if (failure === undefined) throw error;
    return { event: { type: "refused", failure }, waitingOn: [] };
  }
  const { requirementClass, toBuildFirst } = examination;
  await wantSteps(planning, build, toBuildFirst, entry);
  const waitingOn = toBuildFirst.map(storePathHash);
  return { event: { type: "expanded", requirementClass, waitingOn }, waitingOn };
}

/** What has to happen to a step that has been read. One that waits is told by what it waits for. */
function nextEvent(step: Step): FleetEvent[] {
  if (step.state === "ready") return [{ type: "step-ready", step: step.id }];
  return isFinal(step.state) ? [settledEvent(step.id)] : [];
}

function settledEvent(step: StepId): FleetEvent {
  return { type: "step-settled", step };
}

/** Makes steps of derivations, shared with other builds that want them, and puts them on the build's list. */
export async function wantSteps(
  planning: Planning,
  build: Build,
  drvPaths: readonly StorePath[],
  dependent?: BuildStep,
): Promise<WantedStep[]> {
  if (drvPaths.length === 0) return [];
  const { steps, builds, dependents, now } = planning;
  const target = dependent === undefined;
  const wanted: Step[] = [];
  // In groups, since a derivation may have thousands of inputs.
  for (let start = 0; start < drvPaths.length; start += 16) {
    const ensured = drvPaths.slice(start, start + 16).map((drvPath) => {
      const step = { id: storePathHash(drvPath), drvPath, name: derivationName(drvPath), priority: build.priority };
      return steps.ensure(step, build.createdAt, now());
    });
    wanted.push(...(await Promise.all(ensured)));
  }
  const ids = wanted.map(({ id }) => id);
  const entries = wanted.map(({ id, drvPath, name }): BuildStep => {
    return { build: build.id, step: id, drvPath, name, state: "planning", target, changedAt: now() };
  });
  await Promise.all([
    dependents.addToEach(ids, { kind: "build", build: build.id, target }),
    dependent === undefined ? undefined : dependents.addToEach(ids, { kind: "step", step: dependent.step }),
    builds.addSteps(build.id, entries),
  ]);
  return entries.map((entry, index) => ({ ...entry, known: wanted[index] }));
}

function derivationName(drvPath: StorePath): string {
  return storePathName(drvPath).replace(/\.drv$/, "");
}
