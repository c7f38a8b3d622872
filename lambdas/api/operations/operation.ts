import type * as z from "zod";
import type { Caller } from "../authentication.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { type Bodies, parseRequest } from "../parse-request.ts";
import { jsonReply, type Reply } from "../reply.ts";
import type { RawRequest } from "../request.ts";

/** What an operation may know of the request beside its input. */
interface Call {
  readonly caller: Caller;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** How an operation answers when all goes well. */
export type Success =
  | { readonly status: number; readonly schema: z.ZodType; readonly headers?: Readonly<Record<string, string>> }
  /** Not JSON. Descriptions by status; only 200 has a body. */
  | { readonly mediaType: string; readonly descriptions: Readonly<Record<number, string>> };

/** What an operation takes, and what `/openapi.json` says of it. */
interface Definition<Input extends z.ZodObject> {
  readonly summary: string;
  readonly description?: string;
  readonly tag: "machines" | "builds" | "steps" | "store" | "cache" | "tokens" | "service";
  /** The parts of the request that it reads: `path`, `query`, `headers`, `body`. */
  readonly input: Input;
  /** What the body is in each media type that is taken. @default JSON, as `input` says */
  readonly bodies?: Bodies;
  /** Statuses of the problems that it can answer with, besides 400, 401 and 500. */
  readonly problems?: readonly number[];
}

/** One operation of the API, whatever it takes and gives. */
export interface Operation extends Definition<z.ZodObject> {
  readonly success: Success;
  /** @throws {DroverError} DROVER_REQUEST_INVALID when the request is not as `input` says, and the operation's own */
  answer(dependencies: ApiDependencies, request: RawRequest, call: Call): Promise<Reply>;
}

type Run<Input extends z.ZodObject, Result> = (
  dependencies: ApiDependencies,
  input: z.output<Input>,
  call: Call,
) => Promise<Result> | Result;

/** Defines an operation that answers with JSON. Its function knows neither events nor HTTP. */
export function jsonOperation<Input extends z.ZodObject, Result extends z.ZodType>(
  definition: Definition<Input> & {
    readonly result: Result;
    /** @default 200 */
    readonly status?: 200 | 202;
    /** Where to follow what has been accepted. */
    readonly location?: (result: z.output<Result>, input: z.output<Input>) => string;
    /** Of the thing that the path names, as it is now. */
    readonly etag?: (result: z.output<Result>) => string;
    readonly run: Run<Input, z.output<Result>>;
  },
): Operation {
  const { result: schema, status = 200, location, etag, run, ...rest } = definition;
  const headers = {
    ...(location !== undefined && { location: "Where to follow it" }),
    ...(etag !== undefined && { etag: "For `If-Match` of a change" }),
  };
  return {
    ...rest,
    success: { status, schema, headers },
    async answer(dependencies, request, call) {
      const input = parseRequest(definition, request);
      const result = await run(dependencies, input, call);
      return jsonReply(status, result, {
        ...(location !== undefined && { location: location(result, input) }),
        ...(etag !== undefined && { etag: etag(result) }),
      });
    },
  };
}

/** Defines an operation that answers with something else than JSON. */
export function plainOperation<Input extends z.ZodObject>(
  definition: Definition<Input> & {
    readonly success: Extract<Success, { mediaType: string }>;
    readonly run: Run<Input, Reply>;
  },
): Operation {
  const { run, ...rest } = definition;
  return {
    ...rest,
    answer: async (dependencies, request, call) => run(dependencies, parseRequest(definition, request), call),
  };
}
