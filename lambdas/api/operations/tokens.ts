import { randomBytes } from "node:crypto";
import * as z from "zod";
import { tokenSha256, tokenText } from "../../../fleet/token.ts";
import { DroverError } from "../../../nix/drover-error.ts";
import { newToken, token, tokenList, tokenRequest } from "../schema/tokens.ts";
import { viewToken } from "../views/token.ts";
import { jsonOperation } from "./operation.ts";

const dayInMilliseconds = 86_400_000;

export const listTokens = jsonOperation({
  summary: "List the tokens",
  tag: "tokens",
  input: z.object({}),
  result: tokenList,
  run: async ({ tokens }) => ({ tokens: (await tokens.list()).map(viewToken) }),
});

export const createToken = jsonOperation({
  summary: "Make a token",
  description: "The answer is the only place where the token can be seen.",
  tag: "tokens",
  input: z.object({ body: tokenRequest }),
  result: newToken,
  async run({ tokens, now }, { body }) {
    const id = randomBytes(8).toString("hex");
    const text = tokenText(id, randomBytes(32));
    const createdAt = now();
    const made = {
      id,
      name: body.name,
      scopes: [...new Set(body.scopes)],
      sha256: tokenSha256(text),
      createdAt,
      expiresAt: body.expiresInDays === undefined ? null : createdAt + body.expiresInDays * dayInMilliseconds,
      lastUsedAt: null,
    };
    if (!(await tokens.create(made))) throw new Error(`two tokens have the id ${id}`);
    return { ...viewToken(made), token: text };
  },
});

export const revokeToken = jsonOperation({
  summary: "Revoke a token",
  description: "It may be good for a minute more where a gateway remembers it.",
  tag: "tokens",
  input: z.object({ path: z.strictObject({ token: z.string().min(1).max(100) }) }),
  result: token,
  problems: [404],
  async run({ tokens }, { path }) {
    const found = await tokens.get(path.token);
    if (found === undefined || !(await tokens.remove(found.id))) {
      throw new DroverError("DROVER_TOKEN_UNKNOWN", `There is no token ${path.token}.`, {
        subject: path.token,
        remedy: "See `drover tokens list` for the ids of all tokens.",
      });
    }
    return viewToken(found);
  },
});
