import type { Tokens } from "../../cloud/ports/tokens.ts";
import { isGood, type Token, tokenId } from "../../fleet/token.ts";
import type { Log } from "../observability/log.ts";
import { presentedToken } from "./presented-token.ts";

export interface Authorizing {
  readonly tokens: Pick<Tokens, "get" | "touch">;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly log: Pick<Log, "warn">;
}

/** How far the note of a token's last use may lag, in milliseconds: a write for each request would cost more than it tells. */
const noteEvery = 60_000;

/**
 * The token that a request carries, if it is one of this deployment's. What it is good for is for the API to check.
 *
 * @param authorization the request's header
 */
export async function authorize(authorizing: Authorizing, authorization: string): Promise<Token | undefined> {
  const { tokens, now } = authorizing;
  const text = presentedToken(authorization);
  const id = text === undefined ? undefined : tokenId(text);
  if (text === undefined || id === undefined) return undefined;
  const token = await tokens.get(id);
  const time = now();
  if (token === undefined || !isGood(token, text, time)) return undefined;
  if (time - (token.lastUsedAt ?? 0) >= noteEvery) await noteUse(authorizing, id, time);
  return token;
}

/** For people to look at; nobody is sent away because it could not be written. */
async function noteUse({ tokens, log }: Authorizing, id: string, time: number): Promise<void> {
  try {
    await tokens.touch(id, time);
  } catch (error) {
    log.warn("the use of a token was not noted", { token: id, error });
  }
}
