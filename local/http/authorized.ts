import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import { lambdaContext } from "../lambda-context.ts";
import type { ApiHandler } from "./gateway.ts";

interface Handlers {
  readonly api: ApiHandler;
  readonly authorize: (
    event: { identitySource: string[] },
    context: Context,
  ) => Promise<{ readonly isAuthorized: boolean; readonly context?: object }>;
}

/**
 * Asks the authorizer about each request that has the header which is its identity source, and tells the API what it
 * answers. Of a request without it, or with an empty one, API Gateway asks nobody (its developer guide, "Control access
 * to HTTP APIs with AWS Lambda authorizers"). Whom it does not let in, API Gateway would send away with a bare 401 or 403; here the API says what is wrong.
 */
export function authorized({ api, authorize }: Handlers): ApiHandler {
  return async (event, context) => {
    const authorization = event.headers["authorization"]?.trim() ?? "";
    if (authorization === "") return await api(event, context);
    const answer = await authorize({ identitySource: [authorization] }, lambdaContext("authorize"));
    return await api(answer.isAuthorized ? admitted(event, answer.context) : event, context);
  };
}

function admitted(event: APIGatewayProxyEventV2, context: object = {}): APIGatewayProxyEventV2 {
  const requestContext = { ...event.requestContext, authorizer: { lambda: context } };
  return { ...event, requestContext };
}
