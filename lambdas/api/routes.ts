import type { Route } from "@middy/http-router";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from "aws-lambda";
import { type OperationId, routes, type RouteTopology } from "../../cloud/topology/routes.ts";
import { DroverError } from "../../nix/drover-error.ts";
import { admit } from "./authentication.ts";
import type { ApiDependencies } from "./dependencies.ts";
import { operations } from "./operations/catalogue.ts";
import { gatewayResult } from "./reply.ts";
import { rawRequest } from "./request.ts";

type ApiRoute = Route<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>;

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

/**
 * Every route of the topology, and for each of its paths a refusal of the methods that it does not know.
 */
export function apiRoutes(connect: () => Promise<ApiDependencies>): ApiRoute[] {
  const known = operationIds.map((id): ApiRoute => {
    const route: RouteTopology = routes[id];
    const { method, path } = route;
    return {
      method,
      path,
      async handler(event: APIGatewayProxyEventV2, _context: Context, options: unknown) {
        event.routeKey = id;
        const request = rawRequest(event);
        const caller = admit(route, authorizerContext(event), request.headers["authorization"]);
        const dependencies = await connect();
        const call = { caller, signal: invocationSignal(options) };
        return gatewayResult(await operations[id].answer(dependencies, request, call));
      },
    };
  });
  return [...known, ...refusals()];
}

/** @throws {DroverError} DROVER_ROUTE_UNKNOWN, always */
export function refuseUnknownRoute({ method, path }: { method: string; path: string }): never {
  throw new DroverError("DROVER_ROUTE_UNKNOWN", `There is no operation ${method} ${path}.`, {
    subject: path,
    remedy: "See /openapi.json for all operations.",
  });
}

/** The operation of an event that has been routed; the router leaves its id in `routeKey`. */
export function operationOf({ routeKey }: Pick<APIGatewayProxyEventV2, "routeKey">): OperationId | undefined {
  return operationIds.find((id) => id === routeKey);
}

const operationIds = Object.keys(routes).filter((id): id is OperationId => id in routes);

function refusals(): ApiRoute[] {
  const topology: readonly RouteTopology[] = Object.values(routes);
  return [...new Set(topology.map(({ path }) => path))].flatMap((path) => {
    const allowed = new Set<string>(topology.filter((route) => route.path === path).map(({ method }) => method));
    const allow = [...allowed].join(", ");
    const handler = async (event: APIGatewayProxyEventV2): Promise<never> => {
      const { method } = event.requestContext.http;
      throw new DroverError("DROVER_METHOD_NOT_ALLOWED", `${event.rawPath} takes ${allow}, not ${method}.`, {
        subject: method,
        remedy: "See /openapi.json for all operations.",
        details: { allow },
      });
    };
    return methods.filter((method) => !allowed.has(method)).map((method): ApiRoute => ({ method, path, handler }));
  });
}

/** What the authorizer has said of the caller (payload format 2.0). */
function authorizerContext({ requestContext }: APIGatewayProxyEventV2): unknown {
  const authorizer: unknown = "authorizer" in requestContext ? requestContext.authorizer : undefined;
  return typeof authorizer === "object" && authorizer !== null && "lambda" in authorizer
    ? authorizer.lambda
    : undefined;
}

const never = new AbortController().signal;

/** middy's third argument, where Lambda's callback used to be; its signal aborts shortly before the time is up. */
function invocationSignal(options: unknown): AbortSignal {
  const signal = typeof options === "object" && options !== null && "signal" in options ? options.signal : undefined;
  return signal instanceof AbortSignal ? signal : never;
}
