import type { Token } from "../../../fleet/token.ts";
import type * as schema from "../schema/tokens.ts";
import { moment, moments } from "./moment.ts";

export function viewToken({ id, name, scopes, createdAt, expiresAt, lastUsedAt }: Token): schema.Token {
  return {
    id,
    name,
    scopes: [...scopes],
    createdAt: moment(createdAt),
    ...moments({ expiresAt: expiresAt ?? undefined, lastUsedAt: lastUsedAt ?? undefined }),
  };
}
