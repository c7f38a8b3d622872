import { layeredSource } from "../../../cloud/binary-cache/layered.ts";
import type { NarSource } from "../../../cloud/ports/binary-cache.ts";
import type { Build } from "../../../fleet/build.ts";
import type { Step } from "../../../fleet/step.ts";
import { planBuild } from "../../../lambdas/plan/plan-build.ts";
import type { Planning } from "../../../lambdas/plan/planning.ts";
import { type StorePath, storePathHash } from "../../../nix/store-path.ts";
import type { ControlPlane } from "../schedule/engines.ts";

/** A target by its derivation, and the outputs that are wanted: none named means all. */
type Target = StorePath | { readonly drvPath: StorePath; readonly outputs: readonly string[] };

/** What planning makes of a build, in names instead of hashes. */
export interface Graph {
  readonly build: Pick<Build, "state" | "failure"> & { readonly waitingOn: readonly string[] };
  /** The build's list: whether an entry is a target, and the state that it shows. */
  readonly list: Readonly<Record<string, string>>;
  readonly steps: Readonly<
    Record<
      string,
      Pick<Step, "state" | "requirementClass"> & {
        readonly waitingOn: readonly string[];
        readonly dependents: readonly string[];
      }
    >
  >;
}

let builds = 0;

/** The plan function's work upon a control plane. */
export class Planner {
  readonly plane: ControlPlane;
  readonly planning: Planning;

  constructor(plane: ControlPlane, ...sources: readonly NarSource[]) {
    this.plane = plane;
    this.planning = { ...plane, sources: layeredSource(sources) };
  }

  async submit(targets: readonly Target[], changes: Partial<Build> = {}): Promise<Build> {
    const wanted = targets.map((target) => (typeof target === "string" ? { drvPath: target, outputs: [] } : target));
    const build: Build = {
      id: `bld_${String(++builds).padStart(5, "0")}`,
      submitter: "alice",
      priority: 50,
      keepGoing: false,
      targets: wanted,
      state: "planning",
      waitingOn: wanted.map(({ drvPath }) => storePathHash(drvPath)),
      createdAt: this.plane.now(),
      ...changes,
    };
    await this.plane.builds.create(build);
    return build;
  }

  plan({ id }: Build, outOfTime: () => boolean = () => false, planning: Planning = this.planning): Promise<void> {
    return planBuild(planning, id, outOfTime);
  }

  /** Submits and plans in one go. */
  async planned(targets: readonly Target[], changes?: Partial<Build>): Promise<Build> {
    const build = await this.submit(targets, changes);
    await this.plan(build);
    return build;
  }

  async build({ id }: Build): Promise<Build> {
    const build = await this.plane.builds.get(id);
    if (build === undefined) throw new Error(`there is no build ${id}`);
    return build;
  }

  async graph(of: Build): Promise<Graph> {
    const { builds, steps, dependents } = this.plane;
    const { state, failure, waitingOn } = await this.build(of);
    const { steps: list } = await builds.steps(of.id, 10_000);
    const names = new Map(list.map(({ step, name }) => [step, name]));
    const nameOf = (id: string): string => names.get(id) ?? id;
    const found = await steps.getMany(list.map(({ step }) => step));
    const described = found.map(async (step) => {
      const who = await Array.fromAsync(dependents.of(step.id, "step"));
      return [
        step.name,
        {
          state: step.state,
          requirementClass: step.requirementClass,
          waitingOn: step.waitingOn.map(nameOf).toSorted(),
          dependents: who.map((dependent) => (dependent.kind === "step" ? nameOf(dependent.step) : "")).toSorted(),
        },
      ] as const;
    });
    return {
      build: { state, failure, waitingOn: waitingOn.map(nameOf).toSorted() },
      list: Object.fromEntries(list.map(({ name, state, target }) => [name, target ? `${state}, target` : state])),
      steps: Object.fromEntries((await Promise.all(described)).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    };
  }

  /** What has been sent to `schedule` since the last time, each thing once, in names. */
  async events(): Promise<string[]> {
    const sent = (await this.plane.take("fleetEvents")).map((event) => Object(event));
    const steps = await this.plane.steps.getMany(sent.map(({ step }) => step));
    const names = new Map(steps.map(({ id, name }) => [id, name]));
    return [...new Set(sent.map(({ type, step }) => `${type} ${names.get(step)}`))].toSorted();
  }
}
