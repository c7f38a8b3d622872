import type { Build, BuildStep } from "../../../fleet/build.ts";
import type { Build as BuildView, BuildStep as BuildStepView } from "../schema/builds.ts";
import { moment, moments } from "./moment.ts";

/** Targets that a build shows in lists: one with thousands must not fill every answer. */
const targetsShown = 10;

/** A build with its first targets. */
export function buildView(build: Build, targets = targetsShown): BuildView {
  const { id, state, submitter, priority, keepGoing, failure, createdAt, plannedAt, finishedAt } = build;
  return {
    id,
    state,
    submitter,
    priority,
    keepGoing,
    targets: build.targets.slice(0, targets).map(({ drvPath, outputs }) => ({ drvPath, outputs: [...outputs] })),
    targetCount: build.targets.length,
    targetsLeft: build.waitingOn.length,
    createdAt: moment(createdAt),
    ...moments({ plannedAt, finishedAt }),
    ...(failure !== undefined && { failure: failureView(failure) }),
  };
}

export function buildStepView(listed: BuildStep): BuildStepView {
  const { step, drvPath, name, state, target, machine, attempt, changedAt, failure, waiting } = listed;
  return { step, drvPath, name, state, target, machine, attempt, changedAt: moment(changedAt), failure, waiting };
}

function failureView(failure: NonNullable<Build["failure"]>): NonNullable<BuildView["failure"]> {
  return failure.kind === "refused" ? failure : { kind: "steps", steps: [...failure.steps] };
}
