import * as z from "zod";
import { scopes, type Token } from "../../../fleet/token.ts";
import type { Item } from "../database.ts";
import { parseItem } from "./parse-item.ts";

const schema = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.enum(scopes)),
  sha256: z.string(),
  createdAt: z.number(),
  expiresAt: z.number().nullable(),
  lastUsedAt: z.number().nullable(),
}) satisfies z.ZodType<Token>;

export function tokenOfItem(item: Item): Token {
  return parseItem(schema, item, `the token ${String(item["id"])}`);
}

/** DynamoDB clears away what has expired, at the second that stands beside it. */
export function itemOfToken(token: Token) {
  const { expiresAt, scopes: held } = token;
  return {
    ...token,
    scopes: [...held],
    ...(expiresAt !== null && { expiresAtSecond: Math.ceil(expiresAt / 1000) }),
  };
}
