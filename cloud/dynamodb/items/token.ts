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
  expiresAt: z.number().nullable().default(null),
  lastUsedAt: z.number().nullable().default(null),
}) satisfies z.ZodType<Token>;

export function tokenOfItem(item: Item): Token {
  return parseItem(schema, item, `the token ${String(item["id"])}`);
}

/**
 * What there is none of is left out: conditions then ask whether the attribute is there. DynamoDB clears away what has
 * expired, some time after the second that stands beside it.
 */
export function itemOfToken({ scopes: held, expiresAt, lastUsedAt, ...token }: Token) {
  return {
    ...token,
    scopes: [...held],
    ...(expiresAt !== null && { expiresAt, expiresAtSecond: Math.ceil(expiresAt / 1000) }),
    ...(lastUsedAt !== null && { lastUsedAt }),
  };
}
