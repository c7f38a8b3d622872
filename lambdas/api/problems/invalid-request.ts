import type * as z from "zod";
import { DroverError } from "../../../nix/drover-error.ts";
import type { ProblemDetail } from "../schema/problem.ts";

/** Most mistakes that one answer lists. */
const listed = 50;

/**
 * One error for everything that is wrong with a request's form.
 *
 * @param issues paths begin with the part of the request: path, query, headers or body
 */
export function invalidRequest(issues: readonly z.core.$ZodIssue[]): DroverError {
  const errors = issues.flatMap(describeIssue);
  const [first] = errors;
  const where = first?.parameter ?? first?.pointer ?? "";
  const shown = first === undefined ? "" : `: ${where === "" ? "" : `${where} `}${first.message}`;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  return new DroverError("DROVER_REQUEST_INVALID", `The request is not as the API describes it${shown}${more}`, {
    remedy: "Correct what is listed under `errors`; /openapi.json describes every operation.",
    details: { errors: errors.slice(0, listed) },
    ...(where !== "" && { subject: where }),
  });
}

function describeIssue(issue: z.core.$ZodIssue): ProblemDetail[] {
  const [part, ...path] = issue.path.map(String);
  if (issue.code !== "unrecognized_keys") return [{ ...place(part, path), message: issue.message }];
  const message = part === "body" ? "is not a field of this object" : "is not a parameter of this operation";
  return issue.keys.map((key) => ({ ...place(part, [...path, key]), message }));
}

function place(part: string | undefined, path: readonly string[]): { pointer: string } | { parameter: string } {
  if (part !== "body") return { parameter: path.join(".") };
  return { pointer: path.map((name) => `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("") };
}
