import type { APIGatewayRequestAuthorizerEventV2, APIGatewaySimpleAuthorizerWithContextResult } from "aws-lambda";
import type { Measurements } from "../observability/measurements.ts";
import { authorize, type Authorizing } from "./authorize.ts";

/** What the API gets to know of the caller; a context holds texts and numbers only. Empty for whoever is not let in. */
interface CallerContext {
  readonly name?: string;
  /** Separated by spaces. */
  readonly scopes?: string;
}

/** As far as it is read. */
export type AuthorizerEvent = Partial<Pick<APIGatewayRequestAuthorizerEventV2, "identitySource">>;
export type AuthorizerAnswer = APIGatewaySimpleAuthorizerWithContextResult<CallerContext>;

/**
 * An HTTP API's authorizer with simple answers (API Gateway developer guide, "Control access to HTTP APIs with AWS
 * Lambda authorizers", payload format 2.0). Its one identity source is the Authorization header.
 */
export function createAuthorizer(
  dependencies: Authorizing & { readonly measurements: Measurements },
): (event: AuthorizerEvent) => Promise<AuthorizerAnswer> {
  return async ({ identitySource }) => {
    const token = await authorize(dependencies, identitySource?.[0] ?? "");
    dependencies.measurements.count("Refused", token === undefined ? 1 : 0);
    if (token === undefined) return { isAuthorized: false, context: {} };
    return { isAuthorized: true, context: { name: token.name, scopes: token.scopes.join(" ") } };
  };
}
