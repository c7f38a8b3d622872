import { createHash, timingSafeEqual } from "node:crypto";
import type { RouteAccess } from "../../cloud/topology/routes.ts";
import { DroverError } from "../../nix/drover-error.ts";

/** Who asks. */
export interface Caller {
  /** The token's name: whose builds these are when nothing else is said. */
  readonly name: string;
}

const anybody: Caller = { name: "anybody" };
/** The embedded mode has one token. */
const embedded: Caller = { name: "embedded" };

/**
 * Finds out who asks, by the one token of the embedded mode. `/cache` takes it as the password of HTTP Basic, which is
 * how Nix sends what netrc says; the user's name there means nothing.
 *
 * @param authorization the header
 * @param tokenSha256 hex; undefined accepts nobody
 * @throws {DroverError} DROVER_TOKEN_MISSING, DROVER_TOKEN_WRONG
 */
export function authenticate(
  access: RouteAccess,
  authorization: string | undefined,
  tokenSha256: string | undefined,
): Caller {
  if (access === "public") return anybody;
  const token = presentedToken(access, authorization);
  if (token === undefined) {
    throw new DroverError("DROVER_TOKEN_MISSING", "The request carries no token.", { remedy: remedies[access] });
  }
  if (tokenSha256 === undefined || !isTokenOf(token, tokenSha256)) {
    throw new DroverError("DROVER_TOKEN_WRONG", "The token is not one of this deployment's.", {
      remedy: "Use the token that this deployment gave out; `drover up` writes it into your profile.",
    });
  }
  return embedded;
}

/** Value of `WWW-Authenticate` for a refused request. */
export function challenge(access: RouteAccess): string {
  return access === "cache" ? 'Basic realm="drover", charset="UTF-8"' : 'Bearer realm="drover"';
}

const remedies = {
  bearer: "Send `Authorization: Bearer TOKEN`; `drover` takes the token from DROVER_TOKEN or from your profile.",
  cache: "Write `machine HOST login drover password TOKEN` into the file that Nix's netrc-file setting names.",
};

function presentedToken(access: RouteAccess, authorization = ""): string | undefined {
  const [, scheme = "", credentials = ""] = /^([A-Za-z]+) +(\S+)$/.exec(authorization.trim()) ?? [];
  if (scheme.toLowerCase() === "bearer") return credentials;
  if (scheme.toLowerCase() !== "basic" || access !== "cache") return undefined;
  const userAndPassword = Buffer.from(credentials, "base64").toString("utf8");
  const colon = userAndPassword.indexOf(":");
  return colon < 0 ? undefined : userAndPassword.slice(colon + 1) || undefined;
}

/** Digests have one length, so that comparing them tells nothing of the token by its duration. */
function isTokenOf(token: string, sha256: string): boolean {
  const expected = Buffer.from(sha256, "hex");
  const presented = createHash("sha256").update(token).digest();
  return expected.length === presented.length && timingSafeEqual(expected, presented);
}
