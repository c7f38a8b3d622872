import { DroverError } from "../../nix/drover-error.ts";

/** The DroverError that a promise rejects with. Anything else, or success, fails the test. */
export async function failure(promise: Promise<unknown>): Promise<DroverError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof DroverError) return error;
    throw error;
  }
  throw new Error("it succeeded");
}
