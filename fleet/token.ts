import { createHash, timingSafeEqual } from "node:crypto";

/** What a token may be good for. */
export const scopes = [
  "build:read",
  "build:write",
  "machine:read",
  "machine:write",
  "store:read",
  "store:write",
  /** Everything, tokens included. */
  "admin",
] as const;
export type Scope = (typeof scopes)[number];

/** What the deployment keeps of a token. The token itself it never keeps. */
export interface Token {
  /** 16 hexadecimal digits; part of the token, and no secret. */
  readonly id: string;
  /** Whose it is: the submitter of builds that say nothing else. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Of the whole token, hexadecimal. A fast hash will do: the secret in it is 256 random bits. */
  readonly sha256: string;
  /** Milliseconds since the epoch, as are the others. */
  readonly createdAt: number;
  /** null: never. */
  readonly expiresAt: number | null;
  /** Behind by a minute or more. null: not used yet. */
  readonly lastUsedAt: number | null;
}

const tokenForm = /^drover_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;

/**
 * The text that a client sends. Its beginning lets scanners of secrets find it where it should not be.
 *
 * @param secret 32 random bytes
 */
export function tokenText(id: string, secret: Uint8Array): string {
  return `drover_${id}_${Buffer.from(secret).toString("base64url")}`;
}

/** The id in a token's text. @returns undefined where the text is no token */
export function tokenId(text: string): string | undefined {
  return tokenForm.exec(text)?.[1];
}

/** Hexadecimal. */
export function tokenSha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Whether the text is this token, and it has not expired. */
export function isGood(token: Token, text: string, now: number): boolean {
  const expected = Buffer.from(token.sha256, "hex");
  const presented = Buffer.from(tokenSha256(text), "hex");
  // Of one length, so that comparing them tells nothing of the token by its duration.
  const isSame = expected.length === presented.length && timingSafeEqual(expected, presented);
  return isSame && (token.expiresAt === null || now < token.expiresAt);
}

export function permits(held: readonly Scope[], wanted: Scope): boolean {
  return held.includes(wanted) || held.includes("admin");
}
