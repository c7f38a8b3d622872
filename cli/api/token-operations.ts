import * as tokens from "../../lambdas/api/schema/tokens.ts";
import type { ApiClient } from "./client.ts";
import type { PatienceOptions } from "./patience.ts";

/** The operations of the API on its own tokens, named as in `/openapi.json`. They take an admin token. */

export async function listTokens(client: ApiClient, options: PatienceOptions = {}): Promise<tokens.TokenList> {
  return await client.request({ ...options, method: "GET", path: "/v1/tokens", answer: tokens.tokenList });
}

/** Asks once: an answer that is lost and asked for again would leave a token behind that nobody knows. */
export async function createToken(
  client: ApiClient,
  request: tokens.TokenRequest,
  options: Omit<PatienceOptions, "patience"> = {},
): Promise<tokens.NewToken> {
  const body = { type: "application/json", text: JSON.stringify(request) } as const;
  return await client.request({
    ...options,
    patience: 0,
    method: "POST",
    path: "/v1/tokens",
    body,
    answer: tokens.newToken,
  });
}

export async function revokeToken(client: ApiClient, id: string, options: PatienceOptions = {}): Promise<tokens.Token> {
  const path = `/v1/tokens/${encodeURIComponent(id)}`;
  return await client.request({ ...options, method: "DELETE", path, answer: tokens.token });
}
