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
  if (!caller.success) throw isMissing(authorization) ? missingToken(route.access) : wrongToken(route.access);
  if (!permits(caller.data.scopes, route.scope)) throw wrongScope(caller.data, route.scope);
  return caller.data;
}

/** Value of `WWW-Authenticate` for a refused request. */
export function challenge(access: RouteAccess): string {
  return access === "cache" ? 'Basic realm="drover", charset="UTF-8"' : 'Bearer realm="drover"';
}

/** An empty header is no header, as for API Gateway, which then asks no authorizer. */
function isMissing(authorization: string | undefined): boolean {
  return authorization === undefined || authorization.trim() === "";
}

const remedies = {
  bearer: "Send `Authorization: Bearer TOKEN`; `drover` takes the token from DROVER_TOKEN or from your profile.",
  cache: "Write `machine HOST login drover password TOKEN` into the file that Nix's netrc-file setting names.",
};

const whereItIs = {
  bearer: "Look at DROVER_TOKEN, or at your profile, which `drover up` writes anew at each start.",
  cache: "Look at the password in the file that Nix's netrc-file setting names.",
};

function missingToken(access: "bearer" | "cache"): DroverError {
  return new DroverError("DROVER_TOKEN_MISSING", "The request carries no token.", { remedy: remedies[access] });
}

function wrongToken(access: "bearer" | "cache"): DroverError {
  return new DroverError("DROVER_TOKEN_WRONG", "The token is unknown, expired or revoked.", {
    remedy: `${whereItIs[access]} Whoever has an admin token makes another one: drover tokens create NAME`,
  });
}

function wrongScope({ name, scopes: held }: Caller, wanted: Scope): DroverError {
  return new DroverError(
    "DROVER_SCOPE",
    `The token '${name}' is good for ${held.join(", ")}, and this needs ${wanted}.`,
    {
      subject: name,
      remedy: `Use another token; whoever has an admin token makes one: drover tokens create NAME --scope ${wanted}`,
    },
  );
}
