import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Build, BuildStep } from "../../lambdas/api/schema/builds.ts";
import { DroverError } from "../../nix/drover-error.ts";
import type { ApiClient } from "../api/client.ts";
import { getBuildChanges, getStep } from "../api/operations.ts";
import { LineSplitter } from "../terminal/log-text.ts";
import type { Style } from "../terminal/style.ts";
import type { BuildView } from "./build-view.ts";
import { logPieces } from "./log-tail.ts";
import type { BuildProgress } from "./progress.ts";
import { endedLine } from "./step-text.ts";
import { Turns } from "./turns.ts";

/** Seconds for which the service holds a question back while nothing changes. */
const wait = 20;
/** Milliseconds for which a service that does not answer is borne: a deployment or a reboot. */
const patience = 180_000;
/** Logs that are followed at the same time: each costs a request that the service holds back. */
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
  /** What is being told of a step, in order: its log, then its end. */
  readonly #telling = new Map<string, Promise<void>>();
  /** Steps that run; aborted when the step has ended. */
  readonly #running = new Map<string, AbortController>();

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
        { since, wait: since === undefined || isFinished(this.#progress.build) ? 0 : wait },
        { patience, signal: this.#signal, onFault: this.#faults() },
      );
      since = next;
      this.#progress.build = build;
      const news = steps.filter((step) => this.#changed(step));
      this.#view.refresh();
      // A finished build may still have more changes to report than fit into one answer.
      if (isFinished(build) && news.length === 0) {
        await this.#told();
        return build;
      }
    }
  }

  /** @returns whether this was news */
  #changed(step: BuildStep): boolean {
    const before = this.#progress.apply(step, Date.now());
    if (before === "stale") return false;
    const running = this.#running.get(step.step);
    if (step.state === "assigned" && running === undefined) {
      const ended = new AbortController();
      this.#running.set(step.step, ended);
      this.#tell(step, async () => await this.#tail(step, ended.signal));
    }
    if (step.state === "succeeded" || step.state === "failed") {
      running?.abort();
      this.#running.delete(step.step);
      // It may have begun and ended between two answers; what ended before this build began is another one's story.
      const unseen = running === undefined && step.changedAt >= this.#progress.build.createdAt;
      this.#tell(step, async () => {
        if (unseen) await this.#showLog(step);
        const whole = await getStep(this.#client, step.step, { patience, signal: this.#signal });
        this.#view.print(endedLine(whole, this.#progress.build.createdAt, this.#style));
      });
    }
    if (step.state === "dependency-failed" && step.target && step.failure?.kind === "dependency") {
      const name = this.#style.bold(step.name);
      this.#view.print(`${this.#style.red("✗")} ${name}  not tried: it needs ${step.failure.name}, which failed`);
    }
    return true;
  }

  /** Follows the log of a running step when it is its turn; of a step that has ended, the log can be read at once. */
  async #tail(step: BuildStep, ended: AbortSignal): Promise<void> {
    using _turn = await this.#turns.next(AbortSignal.any([this.#signal, ended])).catch(() => undefined);
    this.#signal.throwIfAborted();
    await this.#showLog(step);
  }

  /** The log tells of lost attempts, too: which machine was at fault, and then what the next one printed. */
  async #showLog({ step, name }: BuildStep): Promise<void> {
    const lines = new LineSplitter();
    for await (const text of logPieces(this.#client, step, { follow: true, patience, signal: this.#signal })) {
      this.#view.log(name, lines.push(text));
    }
    this.#view.log(name, lines.end());
  }

  /** Waits until all has been told of the steps that have ended; of others, nothing more is. */
  async #told(): Promise<void> {
    const ended = this.#progress.steps.filter(({ state }) => state === "succeeded" || state === "failed");
    const telling = ended.flatMap(({ step }) => this.#telling.get(step) ?? []);
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
  #tell({ step, name }: BuildStep, what: () => Promise<void>): void {
    const before = this.#telling.get(step) ?? Promise.resolve();
    const told = before.then(what).catch((error: unknown) => {
      if (this.#signal.aborted) return;
      if (!(error instanceof DroverError)) throw error;
      this.#view.print(`${name}: ${this.#style.yellow("can't be followed")}: ${error.message} (${error.code})`);
    });
    this.#telling.set(step, told);
  }

  #faults(): (error: DroverError) => void {
    let said = false;
    return (error) => {
      if (!said) this.#view.print(`${this.#style.yellow("note:")} ${error.message}; trying again (${error.code})`);
      said = true;
    };
  }
}

function isFinished({ state }: Build): boolean {
  return state === "succeeded" || state === "failed";
}
