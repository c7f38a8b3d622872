import { Validations } from "aws-cdk-lib";
import * as gateway from "aws-cdk-lib/aws-apigatewayv2";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import { AccessLogFormat } from "aws-cdk-lib/aws-apigateway";
import type { Construct } from "constructs";
import { routes } from "../cloud/topology/routes.ts";
import { createAuthorizer } from "./authorizer.ts";
import type { Functions } from "./functions.ts";
import { mapRecord } from "./map-record.ts";
import type { Options } from "./options.ts";
import { serviceLogs } from "./service-logs.ts";

/** Of a request what tells who, what and how it went; never the Authorization header. */
const accessLogFormat = AccessLogFormat.custom(
  JSON.stringify({
    time: "$context.requestTimeEpoch",
    request: "$context.requestId",
    from: "$context.identity.sourceIp",
    // The token's name.
    caller: "$context.authorizer.name",
    method: "$context.httpMethod",
    route: "$context.routeKey",
    path: "$context.path",
    status: "$context.status",
    milliseconds: "$context.responseLatency",
    bytes: "$context.responseLength",
    error: "$context.integrationErrorMessage",
    authorizerError: "$context.authorizer.error",
  }),
);

/**
 * The HTTP API with exactly the topology's routes, all answered by one function; those that are not public ask the
 * authorizer first. Whatever is no route is 404 without an invocation, preflight requests of browsers (OPTIONS) among
 * it: no page of another origin is to call this API.
 */
export function createApi(scope: Construct, functions: Functions, options: Options): gateway.HttpApi {
  const api = new gateway.HttpApi(scope, "Api", {
    apiName: options.name,
    description: "Drover: every Nix machine you own, behind one queue",
    createDefaultStage: false,
  });
  createStage(scope, api, options);
  const authorizer = createAuthorizer(functions.authorize);
  // One permission for the whole API instead of one a route, which would outgrow the function's policy.
  const integration = new HttpLambdaIntegration("Function", functions.api.function, { scopePermissionToRoute: false });
  mapRecord(routes, (operation, { method, path, access }) => {
    const isPublic = access === "public";
    const route = new gateway.HttpRoute(api, operation, {
      httpApi: api,
      integration,
      routeKey: gateway.HttpRouteKey.with(path, gateway.HttpMethod[method]),
      ...(!isPublic && { authorizer }),
    });
    if (isPublic) explainPublicRoute(route);
  });
  return api;
}

function createStage(scope: Construct, httpApi: gateway.HttpApi, options: Options): void {
  const { rate, burst } = options.throttle;
  new gateway.HttpStage(scope, "ApiStage", {
    httpApi,
    stageName: "$default",
    autoDeploy: true,
    throttle: { rateLimit: rate, burstLimit: burst },
    accessLogSettings: {
      destination: new gateway.LogGroupLogDestination(serviceLogs(scope, "access", options)),
      format: accessLogFormat,
    },
  });
}

function explainPublicRoute(route: gateway.HttpRoute): void {
  Validations.of(route).acknowledge({
    id: "AwsSolutions-APIG4",
    reason:
      "The topology says that it is public: it tells what operations there are, or that the service lives, and nothing of " +
      "this deployment's machines and builds.",
  });
}
