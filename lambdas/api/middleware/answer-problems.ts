import type { MiddlewareObj } from "@middy/core";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { routes } from "../../../cloud/topology/routes.ts";
import { DroverError } from "../../../nix/drover-error.ts";
import type { Log } from "../../observability/log.ts";
import { challenge } from "../authentication.ts";
import { problemOf } from "../problems/problem.ts";
import { gatewayResult, problemReply } from "../reply.ts";
import { operationOf } from "../routes.ts";

/** Seconds after which a client may try again when the service is asked for too much. */
const patience = "2";

/** Turns whatever was thrown into `application/problem+json`; what is the service's own fault goes to the log, too. */
export function answerProblems(log: Log): MiddlewareObj<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2> {
  return {
    onError(request) {
      const { error, event } = request;
      const problem = problemOf(error, event.requestContext.requestId);
      if (problem.status >= 500)
        log.error("request failed", { requestId: problem.requestId, path: event.rawPath, error });
      request.response = gatewayResult(problemReply(problem, headers(problem.status, error, event)));
    },
  };
}

function headers(status: number, error: unknown, event: APIGatewayProxyEventV2): Record<string, string> {
  const operation = operationOf(event);
  if (status === 401 && operation !== undefined) return { "www-authenticate": challenge(routes[operation].access) };
  if (status === 503) return { "retry-after": patience };
  if (error instanceof DroverError && typeof error.details["allow"] === "string")
    return { allow: error.details["allow"] };
  return {};
}
