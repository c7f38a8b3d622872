/** Lets so many through at a time; the others wait in the order in which they came. */
export class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(atATime: number) {
    this.#free = atATime;
  }

  /** Waits for a turn; disposing of it gives it to the next. */
  async next(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free -= 1;
    } else {
      const turn = Promise.withResolvers<void>();
      this.#waiting.push(turn.resolve);
      const abort = () => {
        this.#waiting.splice(this.#waiting.indexOf(turn.resolve), 1);
        turn.reject(signal.reason);
      };
      signal.addEventListener("abort", abort, { once: true });
      try {
        await turn.promise;
      } finally {
        signal.removeEventListener("abort", abort);
      }
    }
    return { [Symbol.dispose]: () => this.#release() };
  }

  #release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
