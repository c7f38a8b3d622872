import { DroverError } from "../../../nix/drover-error.ts";
import type { Problem, ProblemDetail } from "../schema/problem.ts";
import { statusOfCode } from "./status.ts";

/** Names of the errors with which AWS asks for patience; its SDK has retried them by then. */
const throttling = new Set([
  "ThrottlingException",
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "RequestThrottled",
  "SlowDown",
  "TooManyRequestsException",
]);

/**
 * What a client is told of an error: RFC 9457. Of an error that is not the caller's it learns nothing but the
 * request's id, under which the log has it.
 */
export function problemOf(error: unknown, requestId: string): Problem {
  if (error instanceof DroverError) {
    const status = statusOfCode[error.code];
    if (status !== undefined) return problem(status, error, requestId);
  }
  if (error instanceof Error && throttling.has(error.name)) {
    const busy = new DroverError("DROVER_BUSY", "The service is asked for more than it can do at the moment.", {
      remedy: "Try again in a few seconds.",
    });
    return problem(503, busy, requestId);
  }
  const internal = new DroverError("DROVER_INTERNAL", `The service failed; its log has the cause as ${requestId}.`, {
    remedy: `Try again; if it happens again, look for ${requestId} in the log of the api function.`,
  });
  return problem(500, internal, requestId);
}

function problem(status: number, error: DroverError, requestId: string): Problem {
  const words = error.code.slice("DROVER_".length).toLowerCase().split("_");
  const sentence = words.join(" ");
  return {
    type: `urn:drover:problem:${words.join("-")}`,
    title: sentence.charAt(0).toUpperCase() + sentence.slice(1),
    status,
    detail: error.message,
    code: error.code,
    ...(error.remedy !== undefined && { remedy: error.remedy }),
    ...(error.subject !== undefined && { subject: error.subject }),
    requestId,
    ...details(error, "errors"),
    ...details(error, "lints"),
  };
}

/** Operations put lists for the client into an error's details under these names; nothing else of them is shown. */
function details(error: DroverError, name: "errors" | "lints"): { errors?: ProblemDetail[]; lints?: ProblemDetail[] } {
  const list = error.details[name];
  return Array.isArray(list) ? { [name]: list } : {};
}
