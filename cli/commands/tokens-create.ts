import { scope, tokenName, type TokenRequest } from "../../lambdas/api/schema/tokens.ts";
import { DroverError } from "../../nix/drover-error.ts";
import { createToken } from "../api/token-operations.ts";
import type { Context } from "../context.ts";
import { exitCode } from "../exit-code.ts";
import { writeJson } from "../terminal/output.ts";

export interface TokenOptions {
  /** None: what a CI needs. */
  readonly scope: readonly string[];
  readonly expiresInDays?: number;
  readonly json?: boolean;
}

/** What builds, and fetches what was built. */
const forBuilds: TokenRequest["scopes"] = ["build:read", "build:write", "store:read", "store:write"];

/** Makes a token, and prints it alone, so that it can be captured; what is to be known of it goes to people. */
export async function tokensCreate(context: Context, name: string, options: TokenOptions): Promise<number> {
  const { stdout, stderr, interrupted: signal } = context;
  const { expiresInDays, json = false } = options;
  const wanted = { name: checkedName(name), scopes: checkedScopes(options.scope) };
  const client = await context.client();
  const made = await createToken(client, expiresInDays === undefined ? wanted : { ...wanted, expiresInDays }, {
    signal,
  });
  if (json) {
    writeJson(stdout, made);
    return exitCode.done;
  }
  const { id, scopes, expiresAt } = made;
  const end = expiresAt === undefined ? "never expires" : `expires ${expiresAt}`;
  stderr.line(`token ${id} of ${stderr.style.bold(made.name)}: good for ${scopes.join(", ")}; ${end}`);
  stderr.line("It can not be shown again. Keep it as DROVER_TOKEN, or for Nix as the password in a netrc-file:");
  stdout.line(made.token);
  return exitCode.done;
}

function checkedName(name: string): string {
  const parsed = tokenName.safeParse(name);
  if (parsed.success) return parsed.data;
  throw new DroverError(
    "DROVER_USAGE",
    `'${name}' is no name for a token: it ${parsed.error.issues[0]?.message ?? "is not allowed"}`,
    { subject: name, remedy: "Name it after who uses it, such as ci-website." },
  );
}

function checkedScopes(given: readonly string[]): TokenRequest["scopes"] {
  if (given.length === 0) return forBuilds;
  return given.map((text) => {
    const parsed = scope.safeParse(text);
    if (parsed.success) return parsed.data;
    throw new DroverError("DROVER_USAGE", `'${text}' is no scope`, {
      subject: text,
      remedy: `Scopes are ${scope.options.join(", ")}; --scope may be repeated.`,
    });
  });
}
