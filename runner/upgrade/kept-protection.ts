import { describeError, type RunnerLog } from "../log.ts";
import type { TaskProtection } from "./task-protection.ts";

/** Milliseconds between two questions of the same kind. */
export interface ProtectionTimings {
  /** While protected. @default 600_000 */
  readonly renewal: number;
  /** While it was refused, not answered, or could not be given up. @default 10_000 */
  readonly retry: number;
}

/**
 * The protection of this task as far as it is known, and what was said about it.
 *
 * A refusal is no sign of being the old task. `DEPLOYMENT_BLOCKED` means that the service would have more protected
 * tasks than it wants (Developer Guide, "Protect your Amazon ECS tasks from being terminated by scale-in events"); with
 * one task wanted, it is the *new* one that is refused while the old one still builds. It works on and asks again: a
 * deployment stops tasks of older versions only.
 */
export class KeptProtection {
  readonly #protection: TaskProtection;
  readonly #timings: ProtectionTimings;
  readonly #log: RunnerLog;
  #isHeld = false;
  #isAnswered = true;
  #askedAt = -Infinity;
  #asked = false;
  /** What was wrong last. The same is not said twice. */
  #trouble: string | undefined;

  constructor(protection: TaskProtection, timings: ProtectionTimings, log: RunnerLog) {
    this.#protection = protection;
    this.#timings = timings;
    this.#log = log;
  }

  /** Whether the task is protected, or may be. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Asks for what is wanted, unless it is so already or has just been asked. Never rejects. */
  async keep(isWanted: boolean, signal: AbortSignal): Promise<void> {
    if (!isWanted && !this.#isHeld) return;
    const isSettled = this.#isAnswered && this.#isHeld === isWanted;
    const pause = isSettled ? this.#timings.renewal : this.#timings.retry;
    if (this.#asked === isWanted && performance.now() - this.#askedAt < pause) return;
    await this.#ask(isWanted, signal);
  }

  async #ask(isWanted: boolean, signal: AbortSignal): Promise<void> {
    this.#asked = isWanted;
    this.#askedAt = performance.now();
    try {
      const refusal = await this.#protection.set(isWanted, signal);
      this.#isAnswered = true;
      if (refusal === undefined) {
        this.#settled(isWanted);
        return;
      }
      const isBlocked = refusal.reason === "DEPLOYMENT_BLOCKED";
      this.#complain(refusal.reason, () => {
        if (isBlocked) this.#log.info("not protected yet, since an older runner still is", { ...refusal });
        else this.#log.warn("ECS refuses to change the protection of the runner's task", { ...refusal });
      });
    } catch (error) {
      this.#isAnswered = false;
      // It may have been done: then it has to be undone some time.
      this.#isHeld = true;
      if (signal.aborted) return;
      const { code, ...fields } = describeError(error);
      this.#complain(String(fields["error"]), () => {
        this.#log.warn("could not change the protection of the runner's task", { code, ...fields });
      });
    }
  }

  #settled(isWanted: boolean): void {
    const isNews = this.#isHeld !== isWanted || this.#trouble !== undefined;
    this.#isHeld = isWanted;
    this.#trouble = undefined;
    if (isNews) this.#log.debug(isWanted ? "the task is protected" : "the task is not protected any more");
  }

  #complain(trouble: string, say: () => void): void {
    if (this.#trouble !== trouble) say();
    this.#trouble = trouble;
  }
}
