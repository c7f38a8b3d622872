/**
 * The token in a request: a bearer's, or the password of HTTP Basic, which is how Nix sends what netrc says. The user's
 * name there means nothing.
 *
 * @param authorization the header
 */
export function presentedToken(authorization: string): string | undefined {
  const [, scheme = "", credentials = ""] = /^([A-Za-z]+) +(\S+)$/.exec(authorization.trim()) ?? [];
  if (scheme.toLowerCase() === "bearer") return credentials;
  if (scheme.toLowerCase() !== "basic") return undefined;
  const userAndPassword = Buffer.from(credentials, "base64").toString("utf8");
  const colon = userAndPassword.indexOf(":");
  return colon < 0 ? undefined : userAndPassword.slice(colon + 1) || undefined;
}
