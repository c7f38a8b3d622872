import { DroverError } from "../../nix/drover-error.ts";
import type { StorePath } from "../../nix/store-path.ts";

/** Why no machine of ours can build the derivation, whichever is tried: the attempt ends as refused. */
export class Refusal extends DroverError {
  static from(error: DroverError): Refusal {
    const { code, message, remedy, subject, details } = error;
    return new Refusal(code, message, {
      details,
      cause: error,
      ...(remedy !== undefined && { remedy }),
      ...(subject !== undefined && { subject }),
    });
  }
}

/** Errors that what was read is wrong, and not that it could not be read now. */
const badContents = /^DROVER_(DERIVATION|NAR|STORE_PATH|HASH|REFERENCE)/;

/** An error of reading derivations and NARs: a refusal if they are bad, unchanged if the caches did not answer. */
export function refusalOf(error: unknown): unknown {
  return error instanceof DroverError && badContents.test(error.code) ? Refusal.from(error) : error;
}

export function missingInput(path: StorePath, neededBy: StorePath, cause?: unknown): Refusal {
  return new Refusal("DROVER_INPUT_MISSING", `${path}, which ${neededBy} needs, is in no cache.`, {
    subject: path,
    remedy: "Submit the build again: the client uploads what is missing, and what was built and is gone is built anew.",
    cause,
  });
}
