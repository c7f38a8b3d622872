import type * as z from "zod";
import { DroverError } from "../../nix/drover-error.ts";
import { patiently, type PatienceOptions } from "./patience.ts";
import { problemOf } from "./problem.ts";
import type { Service } from "./service.ts";

/** One request. All of the API's are idempotent: those that are not by nature carry an `Idempotency-Key`. */
export interface ApiRequest<T> extends PatienceOptions {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below the service's URL, with `/` in front; parameters already encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: { readonly type: "application/json" | "text/plain"; readonly text: string };
  /** What the answer must be. */
  readonly answer: z.ZodType<T>;
  /** Seconds for which the service may hold the request back, in a long poll. @default 0 */
  readonly wait?: number;
}

/** Beyond what the service itself may wait: API Gateway gives up after 30 s. */
const timeout = 30_000;

/** Speaks HTTP with the service: bearer token, time limits, retries, answers checked against the API's schemas. */
export class ApiClient {
  readonly #service: Service;

  constructor(service: Service) {
    this.#service = service;
  }

  /** The service's address, for messages. */
  get url(): string {
    return this.#service.url;
  }

  /** For programs that speak with it themselves, as Nix does with its binary cache. */
  get service(): Service {
    return this.#service;
  }

  /**
   * @throws {DroverError} the service's own problem with its code; DROVER_UNREACHABLE; DROVER_API_ANSWER when the
   *   answer is not one of this version's API
   */
  async request<T>(request: ApiRequest<T>): Promise<T> {
    return await patiently(async () => await this.#once(request), request);
  }

  async #once<T>(request: ApiRequest<T>): Promise<T> {
    const asked = `${request.method} ${request.path}`;
    const response = await this.#fetch(request);
    if (!response.ok) throw withRetryAfter(await problemOf(response, asked), response.headers.get("retry-after"));
    let value: unknown;
    try {
      value = await response.json();
    } catch (cause) {
      // A connection that breaks in the middle of the answer is not an answer at all.
      if (!(cause instanceof SyntaxError)) throw this.#unreachable(cause);
      throw notOurs(asked, this.url, "it is not JSON", cause);
    }
    const parsed = request.answer.safeParse(value);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw notOurs(
      asked,
      this.url,
      `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "unknown shape"}`,
      parsed.error,
    );
  }

  async #fetch({
    method,
    path,
    query = {},
    headers = {},
    body,
    wait = 0,
    signal,
  }: ApiRequest<unknown>): Promise<Response> {
    const url = new URL(this.url + path);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const limit = AbortSignal.timeout(timeout + wait * 1000);
    try {
      return await fetch(url, {
        method,
        headers: {
          authorization: `Bearer ${this.#service.token}`,
          accept: "application/json, application/problem+json",
          ...(body && { "content-type": body.type }),
          ...headers,
        },
        ...(body && { body: body.text }),
        // Nobody else shall get the token.
        redirect: "error",
        signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      });
    } catch (cause) {
      signal?.throwIfAborted();
      throw this.#unreachable(cause);
    }
  }

  #unreachable(cause: unknown): DroverError {
    return new DroverError("DROVER_UNREACHABLE", `the service at ${this.url} can't be reached: ${reasonOf(cause)}`, {
      subject: this.url,
      remedy: "Start it (`drover up` on this machine), or check DROVER_URL and the network.",
      cause,
    });
  }
}

/** The innermost message: fetch says only "fetch failed" and hides the reason in its cause. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return "no answer in time";
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return error.cause === undefined ? error.message : reasonOf(error.cause);
}

function withRetryAfter(error: DroverError, header: string | null): DroverError {
  if (header === null || !/^\d+$/.test(header)) return error;
  return new DroverError(error.code, error.message, {
    ...(error.remedy !== undefined && { remedy: error.remedy }),
    ...(error.subject !== undefined && { subject: error.subject }),
    details: { ...error.details, retryAfter: Number(header) * 1000 },
  });
}

function notOurs(asked: string, url: string, why: string, cause: unknown): DroverError {
  return new DroverError("DROVER_API_ANSWER", `the answer of ${url} to ${asked} is not one of the Drover API: ${why}`, {
    subject: url,
    remedy: "Check that DROVER_URL is the address of a Drover service of the same version.",
    cause,
  });
}
