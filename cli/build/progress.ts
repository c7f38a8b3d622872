import type { Build, BuildStep } from "../../lambdas/api/schema/builds.ts";

export interface RunningStep {
  readonly name: string;
  readonly machine: string;
  /** When this command saw it begin, in milliseconds since the epoch of this machine's clock. */
  readonly since: number;
}

/** What a build looks like from here: built up from the changes that the service reports. */
export class BuildProgress {
  readonly #steps = new Map<string, BuildStep>();
  readonly #since = new Map<string, { attempt: number; since: number }>();
  build: Build;

  constructor(build: Build) {
    this.build = build;
  }

  /** @returns what was known of the step before, or undefined; "stale" when this is no news */
  apply(step: BuildStep, now: number): BuildStep | undefined | "stale" {
    const before = this.#steps.get(step.step);
    if (before !== undefined && (before.changedAt > step.changedAt || isSame(before, step))) return "stale";
    this.#steps.set(step.step, step);
    const attempt = step.attempt ?? 0;
    if (step.state === "assigned" && this.#since.get(step.step)?.attempt !== attempt) {
      this.#since.set(step.step, { attempt, since: now });
    }
    return before;
  }

  /** Without those that, when they were looked at, turned out to be there already: nobody reports them again. */
  get steps(): BuildStep[] {
    const { plannedAt } = this.build;
    const steps = [...this.#steps.values()];
    if (plannedAt === undefined) return steps;
    return steps.filter(({ state, changedAt }) => state !== "planning" || changedAt > plannedAt);
  }

  count(...states: readonly BuildStep["state"][]): number {
    return this.steps.filter((step) => states.includes(step.state)).length;
  }

  /** Longest running first. */
  get running(): RunningStep[] {
    return this.steps
      .filter((step) => step.state === "assigned")
      .map((step) => ({
        name: step.name,
        machine: step.machine ?? "a machine",
        since: this.#since.get(step.step)?.since ?? 0,
      }))
      .toSorted((a, b) => a.since - b.since);
  }

  /** Why ready steps wait: each reason once, with those it holds back; the reason of most steps first. */
  get waitingReasons(): { reason: string; names: string[] }[] {
    const names = new Map<string, string[]>();
    for (const { state, waiting, name } of this.steps) {
      if (state === "ready" && waiting !== undefined) names.set(waiting, [...(names.get(waiting) ?? []), name]);
    }
    return [...names].map(([reason, names]) => ({ reason, names })).toSorted((a, b) => b.names.length - a.names.length);
  }
}

function isSame(a: BuildStep, b: BuildStep): boolean {
  return a.changedAt === b.changedAt && a.state === b.state && a.attempt === b.attempt && a.waiting === b.waiting;
}
