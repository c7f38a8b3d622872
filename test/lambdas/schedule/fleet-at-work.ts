import { parseDispatch, parseFleetEvent, parseInspectionRequest } from "../../../cloud/queues/messages.ts";
import type { FleetEvent } from "../../../cloud/ports/queues.ts";
import type { Attempt, AttemptOutcome } from "../../../fleet/attempt.ts";
import type { Build } from "../../../fleet/build.ts";
import type { Check } from "../../../fleet/inspection.ts";
import type { Machine } from "../../../fleet/machine.ts";
import { requirementClass } from "../../../fleet/requirement.ts";
import type { Step } from "../../../fleet/step.ts";
import { handleEvent } from "../../../lambdas/schedule/handle-event.ts";
import type { Scheduling } from "../../../lambdas/schedule/scheduling.ts";
import { sweep, type SweepReport } from "../../../lambdas/sweep/sweep.ts";
import { machineSpec, outcomes, stepId } from "../../cloud/contracts/samples.ts";
import type { ControlPlane, HeldMessage } from "./engines.ts";
import { Crash } from "./interruption.ts";

/** Decides what an attempt comes to; undefined leaves it running. */
type Runner = (step: Step, attempt: Attempt) => AttemptOutcome | undefined;

interface StepOptions {
  readonly needs?: readonly string[];
  readonly system?: string;
  readonly features?: readonly string[];
  readonly priority?: number;
}

/** Decides what a runner finds at a machine. */
type Inspector = (machine: Machine) => readonly Check[];

/** The schedule function at work upon a control plane, with a runner that does what it is told. */
export class FleetAtWork {
  readonly plane: ControlPlane;
  runner: Runner = () => outcomes.built;
  inspector: Inspector = () => [];
  /** Attempts in the order in which they were taken up: `lib on itchy`. */
  readonly attempts: string[] = [];
  /** Machines in the order in which they were inspected. */
  readonly inspections: string[] = [];
  /** How often (step, attempt) was settled. */
  readonly settlements = new Map<string, number>();
  /** What the function has sent to itself. */
  readonly sent: FleetEvent[] = [];
  readonly #ids = new Map<string, string>();
  static #count = 0;

  constructor(plane: ControlPlane) {
    this.plane = plane;
  }

  /** What the function stands on. Settlements are counted, and events noted. */
  get scheduling(): Scheduling {
    const send: ControlPlane["events"]["send"] = async (events, delay) => {
      this.sent.push(...events);
      await this.plane.events.send(events, delay);
    };
    const settle: ControlPlane["steps"]["settle"] = async (id, attempt, ...rest) => {
      const settled = await this.plane.steps.settle(id, attempt, ...rest);
      const key = `${id} ${attempt}`;
      if (settled !== undefined) this.settlements.set(key, (this.settlements.get(key) ?? 0) + 1);
      return settled;
    };
    return { ...this.plane, steps: { ...this.plane.steps, settle }, events: { send } };
  }

  async machines(...machines: (Parameters<typeof machineSpec>[0] & { name: string })[]): Promise<void> {
    for (const [position, { name, ...spec }] of machines.entries()) {
      const whole = machineSpec({ uri: `ssh://${name}`, speedFactor: 1, supportedFeatures: [], ...spec });
      await this.plane.machines.register({ name, position, spec: whole, alternatives: [], route: null });
    }
  }

  id(name: string): string {
    const id = this.#ids.get(name);
    if (id === undefined) throw new Error(`there is no step ${name}`);
    return id;
  }

  /** Makes a step as planning does, without announcing it. */
  async step(name: string, { needs = [], system = "x86_64-linux", features = [], priority = 50 }: StepOptions = {}) {
    const { steps, dependents, now } = this.plane;
    const id = stepId(++FleetAtWork.#count);
    this.#ids.set(name, id);
    await steps.ensure({ id, drvPath: `/nix/store/${id}-${name}.drv`, name, priority }, 0, now());
    const waitingOn = needs.map((each) => this.id(each));
    await dependents.addToEach(waitingOn, { kind: "step", step: id });
    const event = { type: "expanded", requirementClass: requirementClass({ system, features }), waitingOn } as const;
    await steps.apply(id, event, now());
    return id;
  }

  /** Makes a build of steps that are there, all on its list. */
  async build(targets: readonly string[], changes: Partial<Build> = {}): Promise<Build> {
    const { builds, steps, dependents, now } = this.plane;
    const build: Build = {
      id: `bld_${String(++FleetAtWork.#count).padStart(5, "0")}`,
      submitter: "alice",
      priority: 50,
      keepGoing: false,
      targets: targets.map((name) => ({ drvPath: `/nix/store/${this.id(name)}-${name}.drv`, outputs: [] })),
      state: "planning",
      waitingOn: targets.map((name) => this.id(name)),
      createdAt: now(),
      ...changes,
    };
    await builds.create(build);
    const ids = [...this.#ids.values()];
    const isTarget = (id: string): boolean => build.waitingOn.includes(id);
    const wanted = (target: boolean) => ids.filter((id) => isTarget(id) === target);
    await Promise.all(
      [true, false].map((target) => dependents.addToEach(wanted(target), { kind: "build", build: build.id, target })),
    );
    const entries = (await steps.getMany(ids)).map(({ id, drvPath, name, state }) => {
      return { build: build.id, step: id, drvPath, name, state, target: isTarget(id), changedAt: now() };
    });
    await builds.addSteps(build.id, entries);
    await Promise.all(ids.map((step) => builds.planned(build.id, step)));
    await builds.planningDone(build.id, now());
    return build;
  }

  /** Announces all steps that are ready, as planning does. */
  async announce(...names: readonly string[]): Promise<void> {
    await this.plane.events.send(names.map((name) => ({ type: "step-ready", step: this.id(name) })));
  }

  handle(event: FleetEvent, scheduling: Scheduling = this.scheduling): Promise<void> {
    return handleEvent(scheduling, event);
  }

  /**
   * Handles events and executes attempts, one after another, until the queues are empty. A message whose handling is
   * interrupted comes again, to a process that is not.
   */
  async untilQuiet(scheduling: Scheduling = this.scheduling): Promise<void> {
    let present = scheduling;
    for (;;) {
      const messages = await this.plane.receive("fleetEvents");
      if (messages.length === 0 && (await this.execute()) === 0) return;
      for (const message of messages) {
        try {
          await this.handle(parseFleetEvent(message.body), present);
          await message.done();
        } catch (error) {
          if (!(error instanceof Crash)) throw error;
          present = this.scheduling;
          await message.giveBack();
        }
      }
    }
  }

  /** Executes what has been dispatched, and makes the inspections that are asked for. @returns how much that was */
  async execute(): Promise<number> {
    const dispatches = await this.plane.receive("dispatch");
    for (const dispatch of dispatches) await this.#execute(dispatch);
    const requests = await this.plane.receive("inspections");
    for (const request of requests) {
      const { machine, id } = parseInspectionRequest(request.body);
      await this.inspect(machine, id);
      await request.done();
    }
    return dispatches.length + requests.length;
  }

  /** As the runner does, at a machine that is what the test says. */
  async inspect(name: string, id: string): Promise<void> {
    const { machines, inspections, events, now } = this.plane;
    const machine = await machines.get(name);
    if (machine === undefined) return;
    this.inspections.push(name);
    const checks = this.inspector(machine);
    const { version } = machine;
    const found = { id, machine: name, version, startedAt: now(), finishedAt: now(), checks, hostKeys: [] };
    await inspections.record(found);
    await events.send([{ type: "machine-inspected", machine: name }]);
  }

  /** As the runner does: what is settled is left alone, what has an outcome is reported again. */
  async #execute(message: HeldMessage): Promise<void> {
    const { steps, now } = this.plane;
    const { step: id, attempt: number } = parseDispatch(message.body);
    const [step, attempt] = await Promise.all([steps.get(id), steps.attempt(id, number)]);
    if (step?.state === "assigned" && step.attempt === number && attempt !== undefined) {
      if (attempt.outcome === undefined) {
        this.attempts.push(`${step.name} on ${attempt.machine}`);
        await steps.attemptStarted(id, number, now());
      }
      const outcome = attempt.outcome ?? this.runner(step, attempt);
      if (outcome !== undefined) await this.#finish(id, number, outcome);
    }
    await message.done();
  }

  async #finish(id: string, number: number, outcome: AttemptOutcome): Promise<void> {
    await this.plane.steps.attemptFinished(id, number, outcome, this.plane.now());
    await this.plane.events.send([{ type: "attempt-finished", step: id, attempt: number }]);
  }

  /** Ends an attempt that the runner has left running. */
  async finish(name: string, outcome: AttemptOutcome = outcomes.built): Promise<void> {
    const step = await this.plane.steps.get(this.id(name));
    await this.#finish(this.id(name), step?.attempt ?? 0, outcome);
  }

  /** @param pause what happens between the two looks at what moves */
  sweep(pause: () => Promise<void> = async () => {}): Promise<SweepReport> {
    return sweep({ ...this.plane, pause });
  }

  /** What there is to see: steps by name, slots that machines hold, builds. */
  async states(): Promise<Record<string, string>> {
    const steps = await this.plane.steps.getMany([...this.#ids.values()]);
    return Object.fromEntries(steps.map(({ name, state, machine }) => [name, machine ? `${state} ${machine}` : state]));
  }

  async slots(): Promise<Record<string, number>> {
    const machines = await this.plane.machines.list();
    return Object.fromEntries(machines.map(({ name, running }) => [name, running]));
  }
}
