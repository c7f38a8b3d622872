import * as z from "zod";
import { scopes } from "../../../fleet/token.ts";
import { moment } from "./words.ts";

export const scope = z.enum(scopes).meta({ id: "Scope", description: "`admin` is all of them, and tokens" });

export const tokenName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/,
    "must be up to 64 letters, digits and . _ @ -, beginning with a letter or digit",
  )
  .meta({ description: "Whose it is: the submitter of builds that say nothing else", examples: ["ci-website"] });

export const token = z
  .object({
    id: z.string().meta({ description: "Part of the token, and no secret", examples: ["9f86d081884c7d65"] }),
    name: tokenName,
    scopes: z.array(scope),
    createdAt: moment,
    expiresAt: moment.optional(),
    lastUsedAt: moment.optional().meta({ description: "Behind by a minute or more" }),
  })
  .meta({ id: "Token" });
export type Token = z.output<typeof token>;

export const tokenList = z.object({ tokens: z.array(token) }).meta({ id: "TokenList" });
export type TokenList = z.output<typeof tokenList>;

export const tokenRequest = z
  .strictObject({
    name: tokenName,
    scopes: z.array(scope).min(1),
    expiresInDays: z.int().min(1).max(3650).optional().meta({ description: "Left out: it never expires" }),
  })
  .meta({ id: "TokenRequest" });
export type TokenRequest = z.input<typeof tokenRequest>;

export const newToken = token
  .extend({ token: z.string().meta({ description: "Shown this once; the deployment keeps its SHA-256 only" }) })
  .meta({ id: "NewToken" });
export type NewToken = z.output<typeof newToken>;
