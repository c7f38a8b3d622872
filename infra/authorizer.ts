import { Duration } from "aws-cdk-lib";
import { HttpLambdaAuthorizer, HttpLambdaResponseType } from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import { functions } from "../cloud/topology/functions.ts";
import type { DeployedFunction } from "./functions.ts";

/**
 * Asks the function `authorize` who sends a token. A request without an Authorization header is 401 without asking it,
 * one that it refuses is 403. Answers are remembered by the header alone, for all routes: it says what a token is good
 * for, and the api function compares that with what the route wants (API Gateway developer guide, "Control access to
 * HTTP APIs with AWS Lambda authorizers", simple responses of payload format 2.0). Only API Gateway may call it, in the
 * name of this one authorizer.
 */
export function createAuthorizer({ function: authorize }: DeployedFunction): HttpLambdaAuthorizer {
  return new HttpLambdaAuthorizer("Authorizer", authorize, {
    responseTypes: [HttpLambdaResponseType.SIMPLE],
    identitySource: ["$request.header.Authorization"],
    resultsCacheTtl: Duration.seconds(functions.authorize.trigger.cacheSeconds),
  });
}
