import type { Token } from "../../fleet/token.ts";

/** The API's tokens. */
export interface Tokens {
  /** As it is now: one that was revoked a moment ago is not there. */
  get(id: string): Promise<Token | undefined>;
  /** The oldest first. Those that have expired are in it for up to some days. */
  list(): Promise<Token[]>;
  /** @returns false where there is one with this id already, which then stays as it is */
  create(token: Token): Promise<boolean>;
  /** Notes that it was used. Never goes back, and never brings one back that was revoked. */
  touch(id: string, at: number): Promise<void>;
  /** Revokes it. @returns false where there is none */
  remove(id: string): Promise<boolean>;
}
