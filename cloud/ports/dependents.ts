import type { StepId } from "../../fleet/step.ts";

/** Somebody who must be told when a step is settled. */
export type Dependent =
  | { readonly kind: "step"; readonly step: StepId }
  | { readonly kind: "build"; readonly build: string; readonly target: boolean };

/**
 * Who waits for whom. Whoever starts to wait writes itself down here first and looks at the step afterwards; a step is
 * settled first and its dependents are read afterwards. Both reads see every earlier write, so one of the two always
 * notices the other, whatever crashes in between.
 */
export interface Dependents {
  /** Adds to a step's dependents; adding one again changes nothing. */
  add(step: StepId, dependents: readonly Dependent[]): Promise<void>;
  /** The same for many steps at once, in batches. */
  addToEach(steps: readonly StepId[], dependent: Dependent): Promise<void>;
  /** Read in pages: a step such as a compiler has thousands of dependents. */
  of(step: StepId, kind?: Dependent["kind"]): AsyncIterable<Dependent>;
}
