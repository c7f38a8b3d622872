import { DroverError } from "../../nix/drover-error.ts";

/** The DroverError that `work` throws. Anything else, or nothing, fails the test. */
export function thrown(work: () => unknown): DroverError {
  try {
    work();
  } catch (error) {
    if (error instanceof DroverError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** "returned", or the code of the DroverError that `work` throws. Any other error fails the test. */
export function outcome(work: () => unknown): string {
  try {
    work();
    return "returned";
  } catch (error) {
    if (error instanceof DroverError) return error.code;
    throw error;
  }
}
