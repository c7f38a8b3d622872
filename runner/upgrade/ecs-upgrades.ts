import { setTimeout as delay } from "node:timers/promises";
import { describeError, type RunnerLog } from "../log.ts";
import type { CurrentRunner } from "./current-runner.ts";
import { KeptProtection, type ProtectionTimings } from "./kept-protection.ts";
import type { TaskIdentity } from "./task-identity.ts";
import type { TaskProtection } from "./task-protection.ts";
import type { Upgrades } from "./upgrades.ts";

/** What upgrades are made with. */
export interface UpgradeParts {
  readonly protection: TaskProtection;
  readonly current: CurrentRunner;
  readonly identify: (signal: AbortSignal) => Promise<TaskIdentity>;
  readonly log: RunnerLog;
}

/** In milliseconds. */
export interface UpgradeTimings extends ProtectionTimings {
  /** Between two looks for a newer version, while attempts run. @default 15_000 */
  readonly look: number;
  /** How long the task stays protected after the last attempt: the next may come at once. @default 5_000 */
  readonly linger: number;
  /** How long a superseded runner waits for ECS to stop it. @default 120_000 */
  readonly patience: number;
}

const defaultUpgradeTimings: UpgradeTimings = {
  renewal: 600_000,
  retry: 10_000,
  look: 15_000,
  linger: 5_000,
  patience: 120_000,
};

/** When there is nothing to do until something changes. */
const long = 3_600_000;

/** Milliseconds for the store to answer. What it says is asked for again. */
const storeLimit = 10_000;

/** Milliseconds for giving up the protection at the very end. It ends with the task anyway. */
const lastWord = 2_000;

/**
 * An upgrade on ECS. In a rolling deployment ECS starts the new task, and stops the old one as soon as the new one is
 * healthy, unless the old one is protected: then the deployment waits. So
 *
 * 1. the task is protected from the first attempt until shortly after the last. It is asked beside the attempt, which
 *    does not wait: whoever is stopped in that moment hands back what he has just begun;
 * 2. an idle runner is not protected, and ECS stops it as it likes;
 * 3. a busy one looks regularly whether another version has begun to work (`CurrentRunner`). From then on it takes
 *    nothing new, finishes what runs, however long that takes, gives up its protection, and is stopped;
 * 4. if ECS does not stop it, it was wrong about being superseded (its successor has been rolled back): it ends by
 *    itself, and ECS starts another.
 *
 * CloudFormation waits 3 hours for a service to become stable (same page as `KeptProtection`'s): while an older runner
 * builds for longer than that, `cdk deploy` fails and rolls back, and no build is lost. What does not answer is
 * complained about once and does not disturb any work.
 */
export function ecsUpgrades(
  { protection, current, identify, log }: UpgradeParts,
  timings: UpgradeTimings = defaultUpgradeTimings,
): Upgrades {
  const superseded = new AbortController();
  const ended = new AbortController();
  const kept = new KeptProtection(protection, timings, log);
  const complaints = new Set<string>();
  let changed = new AbortController();
  let running = 0;
  let idleAt = -Infinity;
  let announced: TaskIdentity | undefined;
  let announcing: Promise<void> | undefined;
  let triedAt = -Infinity;

  const complain = (what: string, error: unknown) => {
    if (ended.signal.aborted || complaints.has(what)) return;
    complaints.add(what);
    log.warn(what, describeError(error));
  };

  const soon = () => AbortSignal.any([ended.signal, AbortSignal.timeout(storeLimit)]);

  async function announce(): Promise<void> {
    const identity = await identify(ended.signal);
    await current.announce(identity, soon());
    announced = identity;
    log.info("this runner is the current one now", { ...identity });
  }

  async function look(): Promise<void> {
    // Whoever has not written himself down yet finds his predecessor.
    if (announced === undefined || superseded.signal.aborted) return;
    try {
      const found = await current.read(soon());
      if (found === undefined || found.definition === announced.definition) return;
      log.info("another version of the runner is at work: this one takes nothing new", { ...found, running });
      superseded.abort(new Error("another version of the runner is at work"));
    } catch (error) {
      complain("could not see whether there is another version of the runner", error);
    }
  }

  function lingering(): number {
    return superseded.signal.aborted ? 0 : Math.max(0, idleAt + timings.linger - performance.now());
  }

  async function keep(): Promise<void> {
    while (!ended.signal.aborted) {
      changed = new AbortController();
      const isWanted = running > 0 || lingering() > 0;
      await kept.keep(isWanted, ended.signal);
      if (running > 0) await look();
      const idlePause = isWanted ? lingering() : timings.retry;
      const pause = running > 0 ? timings.look : kept.isHeld ? idlePause : long;
      const woken = AbortSignal.any([changed.signal, ended.signal]);
      await delay(pause, undefined, { signal: woken }).catch(() => {});
    }
  }
  const keeping = keep();

  return {
    superseded: superseded.signal,
    inTouch() {
      const isSoon = performance.now() - triedAt < timings.retry;
      if (announced !== undefined || announcing !== undefined || isSoon || ended.signal.aborted) return;
      triedAt = performance.now();
      announcing = announce()
        .catch((error: unknown) => {
          complain("could not announce this runner: older versions will not make way while they are busy", error);
        })
        .finally(() => {
          announcing = undefined;
        });
    },
    begin() {
      if (running++ === 0) changed.abort();
      return {
        [Symbol.dispose]() {
          if (--running > 0) return;
          idleAt = performance.now();
          changed.abort();
        },
      };
    },
    async untilStopped(told) {
      if (told.aborted) return;
      log.info("nothing runs any more: waiting to be stopped", { milliseconds: timings.patience });
      await delay(timings.patience, undefined, { signal: told }).catch(() => {});
    },
    async [Symbol.asyncDispose]() {
      ended.abort(new Error("the runner ends"));
      await Promise.all([keeping, announcing]);
      if (kept.isHeld) await kept.keep(false, AbortSignal.timeout(lastWord));
    },
  };
}
