import { Validations } from "aws-cdk-lib";
import * as gateway from "aws-cdk-lib/aws-apigatewayv2";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import { AccessLogFormat } from "aws-cdk-lib/aws-apigateway";
import type { Construct } from "constructs";
import { routes } from "../cloud/topology/routes.ts";
import type { DeployedFunction } from "./functions.ts";
import { mapRecord } from "./map-record.ts";
import type { Options } from "./options.ts";
import { serviceLogs } from "./service-logs.ts";

/** Of a request what tells who, what and how it went; never the Authorization header. */
const accessLogFormat = AccessLogFormat.custom(
  JSON.stringify({
    time: "$context.requestTimeEpoch",
    request: "$context.requestId",
    from: "$context.identity.sourceIp",
    method: "$context.httpMethod",
    route: "$context.routeKey",
    path: "$context.path",
    status: "$context.status",
    milliseconds: "$context.responseLatency",
    bytes: "$context.responseLength",
    error: "$context.integrationErrorMessage",
  }),
);

/** The HTTP API with exactly the topology's routes, all answered by one function. Others are 404 without an invocation. */
export function createApi(
  scope: Construct,
  { function: handler }: DeployedFunction,
  options: Options,
): gateway.HttpApi {
  const api = new gateway.HttpApi(scope, "Api", {
    apiName: options.name,
    description: "Drover: every Nix machine you own, behind one queue",
    createDefaultStage: false,
  });
  const { rate, burst } = options.throttle;
  new gateway.HttpStage(scope, "ApiStage", {
    httpApi: api,
    stageName: "$default",
    autoDeploy: true,
    throttle: { rateLimit: rate, burstLimit: burst },
    accessLogSettings: {
      destination: new gateway.LogGroupLogDestination(serviceLogs(scope, "access", options)),
      format: accessLogFormat,
    },
  });
  // One permission for the whole API instead of one a route, which would outgrow the function's policy.
  const integration = new HttpLambdaIntegration("Function", handler, { scopePermissionToRoute: false });
  mapRecord(routes, (operation, { method, path }) => {
    const route = new gateway.HttpRoute(api, operation, {
      httpApi: api,
      integration,
      routeKey: gateway.HttpRouteKey.with(path, gateway.HttpMethod[method]),
    });
    Validations.of(route).acknowledge({
      id: "AwsSolutions-APIG4",
      reason:
        "The function itself checks the token, and accepts none before there are any. An authorizer comes with them.",
    });
  });
  return api;
}
