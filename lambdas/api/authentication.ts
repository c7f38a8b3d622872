import * as z from "zod";
import type { RouteAccess, RouteTopology } from "../../cloud/topology/routes.ts";
import { permits, type Scope, scopes } from "../../fleet/token.ts";
import { DroverError } from "../../nix/drover-error.ts";

/** Who asks. */
export interface Caller {
  /** The token's name: whose builds these are when nothing else is said. */
  readonly name: string;
  readonly scopes: readonly Scope[];
}

const anybody: Caller = { name: "anybody", scopes: [] };

/** What the authorizer says of the caller (`lambdas/authorize`). */
const callerContext = z.object({
  name: z.string(),
  scopes: z
    .string()
    .transform((text) => text.split(" "))
    .pipe(z.array(z.enum(scopes))),
});

/**
 * Who asks, and whether they may. Where the authorizer has let nobody in, API Gateway does not even call this function;
 * the embedded gateway does, so that the refusal says what to do.
 *
 * @param context of the authorizer
 * @param authorization the header
 * @throws {DroverError} DROVER_TOKEN_MISSING, DROVER_TOKEN_WRONG, DROVER_SCOPE
 */
export function admit(route: RouteTopology, context: unknown, authorization: string | undefined): Caller {
  if (route.access === "public") return anybody;
  const caller = callerContext.safeParse(context);
  if (!caller.success) throw authorization === undefined ? missingToken(route.access) : wrongToken();
  if (!permits(caller.data.scopes, route.scope)) throw wrongScope(caller.data, route.scope);
  return caller.data;
}

/** Value of `WWW-Authenticate` for a refused request. */
export function challenge(access: RouteAccess): string {
  return access === "cache" ? 'Basic realm="drover", charset="UTF-8"' : 'Bearer realm="drover"';
}

const remedies = {
  bearer: "Send `Authorization: Bearer TOKEN`; `drover` takes the token from DROVER_TOKEN or from your profile.",
  cache: "Write `machine HOST login drover password TOKEN` into the file that Nix's netrc-file setting names.",
};

function missingToken(access: "bearer" | "cache"): DroverError {
  return new DroverError("DROVER_TOKEN_MISSING", "The request carries no token.", { remedy: remedies[access] });
}

function wrongToken(): DroverError {
  return new DroverError("DROVER_TOKEN_WRONG", "The token is unknown, expired or revoked.", {
    remedy:
      "Have one made with `drover tokens create`; `drover up` writes its own, which changes with its data directory, into your profile.",
  });
}

function wrongScope({ name, scopes: held }: Caller, wanted: Scope): DroverError {
  return new DroverError(
    "DROVER_SCOPE",
    `The token '${name}' is good for ${held.join(", ")}, and this needs ${wanted}.`,
    {
      subject: name,
      remedy: `Use another token: drover tokens create NAME --scope ${wanted}`,
    },
  );
}
