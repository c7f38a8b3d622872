// oxlint-disable-next-line import/no-named-as-default -- its types know only the default export
import middy, { type MiddyfiedHandler } from "@middy/core";
import httpRouter from "@middy/http-router";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import type { Log } from "../observability/log.ts";
import type { Measurements } from "../observability/measurements.ts";
import type { ApiDependencies } from "./dependencies.ts";
import { answerProblems } from "./middleware/answer-problems.ts";
import { noteRequests } from "./middleware/note-requests.ts";
import { apiRoutes, refuseUnknownRoute } from "./routes.ts";

export type ApiHandler = MiddyfiedHandler<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>;

export interface ApiOptions {
  /** Called at the first request that needs it, and again after it has failed. */
  readonly connect: () => Promise<ApiDependencies>;
  readonly log: Log;
  readonly measurements: Measurements;
}

/**
 * The api function. One middy chain stands around the router; what it routes to are plain functions, since a
 * middified one inside would run no middleware of this chain.
 */
export function createApi({ connect, log, measurements }: ApiOptions): ApiHandler {
  const routes = apiRoutes(once(connect));
  return middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
    .use(noteRequests(log, measurements))
    .use(answerProblems(log))
    .handler(httpRouter({ routes, notFoundResponse: refuseUnknownRoute }));
}

/** Requests that come while it works share one try. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return async () => {
    result ??= work();
    try {
      return await result;
    } catch (error) {
      result = undefined;
      throw error;
    }
  };
}
