import type { MiddlewareObj, Request } from "@middy/core";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import type { Log } from "../../observability/log.ts";
import type { Measurements } from "../../observability/measurements.ts";
import { operationOf } from "../routes.ts";

type ApiRequest = Request<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>;

/**
 * Gives each answer its request's id, and notes in log and figures what was asked and how it went. Reading is noted for
 * debugging only: followers ask all the time.
 */
export function noteRequests(
  log: Log,
  measurements: Measurements,
): MiddlewareObj<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2> {
  const started = new WeakMap<ApiRequest, number>();
  const answered = (request: ApiRequest): void => {
    const { event, response } = request;
    const { requestId, http } = event.requestContext;
    const status = response?.statusCode ?? 500;
    const milliseconds = Math.round(performance.now() - (started.get(request) ?? performance.now()));
    const operation = operationOf(event) ?? "unknown";
    if (response) response.headers = { ...response.headers, "x-request-id": requestId };
    measurements.milliseconds("RequestDuration", milliseconds, { operation });
    if (status >= 500) measurements.count("RequestFaults", 1, { operation });
    if (status === 401 || status === 403) measurements.count("Refused", 1, { operation });
    const quiet = status < 400 && (http.method === "GET" || http.method === "HEAD");
    log[quiet ? "debug" : "info"]("answered", { requestId, operation, path: event.rawPath, status, milliseconds });
  };
  return {
    before(request) {
      started.set(request, performance.now());
      // A copy, because the router writes into it. What API Gateway has put into `pathParameters` is left out: the
      // router reads the path itself, so that an answer does not depend on who has decoded what.
      const { pathParameters: _, ...event } = request.event;
      request.event = event;
    },
    after: answered,
    onError: answered,
  };
}
