import type { DispatchReceiver, FleetEvent, HeldDispatch } from "../../../cloud/ports/queues.ts";
import type { Attempt, AttemptOutcome } from "../../../fleet/attempt.ts";
import type { Machine } from "../../../fleet/machine.ts";
import type { Step } from "../../../fleet/step.ts";
import type { DispatchTools } from "../../../runner/dispatch/handle-dispatch.ts";
import { silentLog } from "../../../runner/log.ts";
import { MemoryLog } from "../attempt/stores.ts";

export const built: Extract<AttemptOutcome, { kind: "built" }> = {
  kind: "built",
  status: "Built",
  outputs: [],
  phases: { connect: 0, inputs: 0, build: 0, outputs: 0 },
};

/** A message as the queue hands it out; what is done with it is written down. */
export class Message implements HeldDispatch {
  readonly dispatch;
  readonly deliveries: number;
  readonly fate: string[] = [];

  constructor(step: string, attempt = 1, deliveries = 1) {
    this.dispatch = { step, attempt };
    this.deliveries = deliveries;
  }

  async extend(seconds: number): Promise<void> {
    this.fate.push(`extended ${seconds}`);
  }

  async done(): Promise<void> {
    this.fate.push("done");
  }

  async release(): Promise<void> {
    this.fate.push("released");
  }
}

/** A queue that hands out what it is given. */
export class MemoryReceiver implements DispatchReceiver {
  readonly limits: number[] = [];
  failures = 0;
  readonly #waiting: Message[] = [];
  #arrived = Promise.withResolvers<void>();

  send(...messages: Message[]): void {
    this.#waiting.push(...messages);
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers<void>();
  }

  async receive(limit: number, signal: AbortSignal): Promise<HeldDispatch[]> {
    this.limits.push(limit);
    if (this.failures > 0) {
      this.failures -= 1;
      throw new Error("the queue does not answer");
    }
    if (this.#waiting.length === 0) {
      const aborted = new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      });
      await Promise.race([this.#arrived.promise, aborted]);
    }
    return this.#waiting.splice(0, limit);
  }
}

/** Tables and events in memory, one assigned step for each id that is asked for; calls can be made to fail. */
export class ControlPlane {
  readonly events: FleetEvent[] = [];
  readonly outcomes = new Map<string, AttemptOutcome>();
  readonly calls: string[] = [];
  readonly logs: (MemoryLog & { verdict?: boolean; followed: number[] })[] = [];
  /** The next so many calls of this name fail. */
  readonly failing = new Map<string, number>();
  step: Partial<Step> = {};
  attempt: Partial<Attempt> = {};
  machine: Pick<Machine, "name" | "spec"> | undefined;

  tools(execute: DispatchTools["execute"]): DispatchTools {
    return {
      execute,
      log: silentLog,
      hold: { visibility: 30, beat: 20 },
      persistence: { first: 5, limit: 20 },
      now: () => 1_000,
      machines: { get: async () => this.#call("machines.get", machineOf("itchy")) },
      steps: {
        get: async (id) => this.#call("get", { ...stepOf(id), ...this.step }),
        attempt: async (id, number) => {
          const outcome = this.outcomes.get(`${id} ${number}`);
          return this.#call("attempt", { ...attemptOf(id, number), outcome, ...this.attempt });
        },
        attemptStarted: async () => {
          this.#call("attemptStarted", undefined);
        },
        attemptFinished: async (id, number, outcome) => {
          const stands = this.outcomes.get(`${id} ${number}`) ?? outcome;
          this.#call("attemptFinished", undefined);
          this.outcomes.set(`${id} ${number}`, stands);
          return stands;
        },
      },
      events: {
        send: async (events) => {
          this.#call("send", undefined);
          this.events.push(...events);
        },
      },
      logs: {
        open: () => {
          const log = Object.assign(new MemoryLog(), {
            followed: [] as number[],
            followedUntil: (until: number) => log.followed.push(until),
            end: async (verdict: boolean) => {
              this.#call(`log ended ${verdict}`, undefined);
              return { bytes: 0, segments: 0 };
            },
            [Symbol.asyncDispose]: async () => {},
          });
          this.logs.push(log);
          return log;
        },
      },
    };
  }

  #call<T>(name: string, result: T): T {
    const failures = this.failing.get(name) ?? 0;
    this.calls.push(failures > 0 ? `${name} failed` : name);
    this.failing.set(name, failures - 1);
    if (failures > 0) throw new Error(`${name} does not answer`);
    return result;
  }
}

function stepOf(id: string): Step {
  return {
    id,
    drvPath: `/nix/store/${id}-some.drv`,
    name: "some",
    requirementClass: "x86_64-linux",
    priority: 50,
    state: "assigned",
    waitingOn: [],
    attempt: 1,
    faults: 0,
    machine: "itchy",
    createdAt: 0,
    changedAt: 0,
  };
}

function attemptOf(step: string, number: number): Attempt {
  const requirement = { system: "x86_64-linux", features: [] };
  const placement = { requirement, chosen: "itchy", verdicts: [], decidedAt: 0 };
  return { step, number, machine: "itchy", placement, assignedAt: 0 };
}

export function machineOf(name: string): Machine {
  return {
    name,
    position: 0,
    spec: {
      uri: `ssh://${name}`,
      systems: ["x86_64-linux"],
      sshKey: null,
      maxJobs: 1,
      speedFactor: 1,
      supportedFeatures: [],
      mandatoryFeatures: [],
      hostKey: null,
    },
    alternatives: [],
    route: null,
    mode: "enabled",
    drainedFor: null,
    running: 1,
    health: { state: "healthy" },
    version: 1,
  };
}
