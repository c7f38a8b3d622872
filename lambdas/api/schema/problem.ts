import * as z from "zod";

/** One thing that is wrong with a request: where, and what to do. */
const problemDetail = z
  .object({
    message: z.string(),
    /** RFC 6901 pointer into the body, or the name of a path or query parameter. */
    pointer: z.string().optional().meta({ description: "JSON pointer (RFC 6901) into the body" }),
    parameter: z.string().optional().meta({ description: "Name of the path, query or header parameter" }),
    code: z.string().optional(),
    remedy: z.string().optional(),
    subject: z.string().optional(),
    file: z.string().optional(),
    line: z.int().optional(),
    column: z.int().optional(),
  })
  .meta({ id: "ProblemDetail" });
export type ProblemDetail = z.output<typeof problemDetail>;

/** Every error of the API: RFC 9457, as `application/problem+json`. */
export const problem = z
  .object({
    type: z.string().meta({ description: "urn:drover:problem:<code in kebab case>; stable" }),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string(),
    code: z.string().regex(/^DROVER_[A-Z0-9_]+$/),
    remedy: z.string().optional().meta({ description: "What to do about it" }),
    subject: z.string().optional().meta({ description: "The thing at fault: a path, a field, a machine, a line" }),
    requestId: z.string().meta({ description: "Names this request in the service's log" }),
    errors: z.array(problemDetail).optional(),
    lints: z.array(problemDetail).optional(),
  })
  .meta({
    id: "Problem",
    examples: [
      {
        type: "urn:drover:problem:machine-unknown",
        title: "Machine unknown",
        status: 404,
        detail: "There is no machine 'nix@mac.example.org'.",
        code: "DROVER_MACHINE_UNKNOWN",
        remedy: "See `drover machines list` for the names of all machines.",
        subject: "nix@mac.example.org",
        requestId: "a3c2…",
      },
    ],
  });
export type Problem = z.output<typeof problem>;
