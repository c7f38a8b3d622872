import type { AttemptPhases } from "../../fleet/attempt.ts";

/** Measures where the time of an attempt goes. */
export class Phases {
  readonly #milliseconds = { connect: 0, inputs: 0, build: 0, outputs: 0 };
  #since = performance.now();

  /** What has passed since the last phase ended was this phase's. */
  end(phase: keyof AttemptPhases): void {
    const now = performance.now();
    this.#milliseconds[phase] += now - this.#since;
    this.#since = now;
  }

  get soFar(): AttemptPhases {
    const { connect, inputs, build, outputs } = this.#milliseconds;
    return { connect: round(connect), inputs: round(inputs), build: round(build), outputs: round(outputs) };
  }
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}
