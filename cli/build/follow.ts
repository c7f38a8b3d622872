import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Build, BuildStep } from "../../lambdas/api/schema/builds.ts";
import type { Step } from "../../lambdas/api/schema/steps.ts";
import { DroverError } from "../../nix/drover-error.ts";
import type { ApiClient } from "../api/client.ts";
import { getBuildChanges, getStep } from "../api/operations.ts";
import { LineSplitter } from "../terminal/log-text.ts";
import type { Style } from "../terminal/style.ts";
import type { BuildView } from "./build-view.ts";
import { logPieces } from "./log-tail.ts";
import type { BuildProgress } from "./progress.ts";
import { endedLine, retryLine } from "./step-text.ts";
import { Turns } from "./turns.ts";

/** Seconds for which the service holds a question back while nothing changes. */
const wait = 20;
/** Milliseconds for which a service that does not answer is borne: a deployment or a reboot. */
const patience = 180_000;
/** Logs that are read at the same time: each costs a request that the service holds back. */
const parallelLogs = 16;
/** Milliseconds after the end of the build for which the rest of the logs is waited for. */
const tellingLimit = 30_000;

/** Follows a build to its end: its steps, where they run, what they print and why they wait. */
export class BuildFollower {
  readonly #client: ApiClient;
  readonly #progress: BuildProgress;
  readonly #view: BuildView;
  readonly #style: Style;
  readonly #signal: AbortSignal;
  /** Aborted when the build has ended: of steps that still run for others, no more is to be told. */
  readonly #enough = new AbortController();
  readonly #turns = new Turns(parallelLogs);
  /** What is being said, by thread: a step's log and then its end; and beside it, the attempts that it has lost. */
  readonly #telling = new Map<string, Promise<void>>();
  /** The latest attempt of each step whose failure has been told. */
  readonly #lost = new Map<string, number>();
  readonly #tailed = new Set<string>();

  constructor(client: ApiClient, progress: BuildProgress, view: BuildView, style: Style, signal: AbortSignal) {
    this.#client = client;
    this.#progress = progress;
    this.#view = view;
    this.#style = style;
    this.#signal = AbortSignal.any([signal, this.#enough.signal]);
    setMaxListeners(0, this.#signal);
  }

  /** @returns the finished build, when all of it has been shown */
  async follow(): Promise<Build> {
    const { id } = this.#progress.build;
    let since: string | undefined;
    for (;;) {
      const { build, steps, next } = await getBuildChanges(
        this.#client,
        id,
        { since, wait: since === undefined ? 0 : wait },
        { patience, signal: this.#signal, onFault: this.#faults() },
      );
      since = next;
      this.#progress.build = build;
      for (const step of steps) this.#changed(step);
      this.#view.refresh();
      if (build.state === "succeeded" || build.state === "failed") {
        await this.#told();
        return build;
      }
    }
  }

  #changed(step: BuildStep): void {
    const before = this.#progress.apply(step, Date.now());
    if (before === "stale") return;
    const lost = step.state === "assigned" ? (step.attempt ?? 1) - 1 : step.state === "ready" ? (step.attempt ?? 0) : 0;
    if (lost > (this.#lost.get(step.step) ?? 0)) {
      const first = (this.#lost.get(step.step) ?? 0) + 1;
      this.#lost.set(step.step, lost);
      // Not behind the log, which goes on with the next attempt.
      this.#tell(`${step.step} lost`, step, async () => await this.#tellLost(step, first, lost));
    }
    if (step.state === "assigned" && !this.#tailed.has(step.step)) {
      this.#tailed.add(step.step);
      this.#tell(step.step, step, async () => await this.#tail(step));
    }
    if (step.state === "succeeded" || step.state === "failed") {
      this.#tailed.delete(step.step);
      this.#tell(step.step, step, async () => await this.#tellEnd(step));
    }
    if (step.state === "dependency-failed" && step.target && step.failure?.kind === "dependency") {
      this.#view.print(
        `${this.#style.bold(step.name)}: ${this.#style.red("not tried:")} it needs ${step.failure.name}, which failed`,
      );
    }
  }

  async #tail(step: BuildStep): Promise<void> {
    using _turn = await this.#turns.next(this.#signal);
    const lines = new LineSplitter();
    const options = { attempt: step.attempt, follow: true, patience, signal: this.#signal };
    for await (const text of logPieces(this.#client, step.step, options)) this.#view.log(step.name, lines.push(text));
    this.#view.log(step.name, lines.end());
  }

  async #tellLost(step: BuildStep, first: number, last: number): Promise<void> {
    const { attempts } = await this.#step(step);
    for (const attempt of attempts) {
      const ours = attempt.assignedAt >= this.#progress.build.createdAt;
      if (!ours || attempt.number < first || attempt.number > last) continue;
      this.#view.print(retryLine(step.name, attempt, this.#style));
    }
  }

  async #tellEnd(step: BuildStep): Promise<void> {
    this.#view.print(endedLine(await this.#step(step), this.#progress.build.createdAt, this.#style));
  }

  async #step({ step }: BuildStep): Promise<Step> {
    return await getStep(this.#client, step, { patience, signal: this.#signal });
  }

  /** Waits until all has been told of the steps that are finished; of others, nothing more is. */
  async #told(): Promise<void> {
    const finished = this.#progress.steps.filter(({ state }) => state === "succeeded" || state === "failed");
    const telling = finished.flatMap(({ step }) => this.#telling.get(step) ?? []);
    const limit = new AbortController();
    await Promise.race([
      Promise.all(telling),
      sleep(tellingLimit, undefined, { signal: limit.signal }).catch(() => {}),
    ]);
    limit.abort();
    this.#enough.abort();
    await Promise.all(this.#telling.values());
  }

  /** A step of which nothing can be told does not end the following of the build. */
  #tell(thread: string, step: BuildStep, what: () => Promise<void>): void {
    const before = this.#telling.get(thread) ?? Promise.resolve();
    const told = before.then(what).catch((error: unknown) => {
      if (this.#signal.aborted) return;
      if (!(error instanceof DroverError)) throw error;
      this.#view.print(`${step.name}: ${this.#style.yellow("can't be followed")}: ${error.message} (${error.code})`);
    });
    this.#telling.set(thread, told);
  }

  #faults(): (error: DroverError) => void {
    let said = false;
    return (error) => {
      if (!said) this.#view.print(`${this.#style.yellow("note:")} ${error.message}; trying again (${error.code})`);
      said = true;
    };
  }
}
