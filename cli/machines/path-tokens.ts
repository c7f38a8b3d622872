import { hostname, userInfo } from "node:os";
import { isAbsolute, resolve } from "node:path";

/** To what the tokens of a path in ssh_config refer. */
export interface PathTokens {
  readonly home: string;
  readonly environment: NodeJS.ProcessEnv;
  /** As the line has it. */
  readonly originalHost: string;
  readonly host: string;
  readonly port: number;
  /** At the machine; null: the local one's name. */
  readonly user: string | null;
  readonly hostKeyAlias: string | undefined;
}

/**
 * A path of ssh_config as OpenSSH expands it (ssh_config(5), TOKENS and ENVIRONMENT VARIABLES): `~`, `%d`, `${NAME}` …
 *
 * @returns an absolute path; undefined when the path needs what is not known here
 */
export function expandPath(path: string, tokens: PathTokens): string | undefined {
  const local = userInfo();
  const { home, originalHost, host, port, user, hostKeyAlias } = tokens;
  const values: Readonly<Record<string, string>> = {
    "%": "%",
    d: home,
    h: host,
    i: String(local.uid),
    k: hostKeyAlias ?? originalHost,
    L: hostname().split(".")[0] ?? "",
    l: hostname(),
    n: originalHost,
    p: String(port),
    r: user ?? local.username,
    u: local.username,
  };
  let known = true;
  const take = (from: Readonly<Record<string, string | undefined>>, key: string): string => {
    const value = Object.hasOwn(from, key) ? from[key] : undefined;
    known &&= value !== undefined;
    return value ?? "";
  };
  const expanded = path
    .replace(/^~(?=\/|$)/, () => home)
    .replaceAll(/%(.)|\$\{([^}]*)\}/g, (_, token: string | undefined, name: string) =>
      token === undefined ? take(tokens.environment, name) : take(values, token),
    );
  if (!known || expanded.startsWith("~")) return undefined;
  return isAbsolute(expanded) ? expanded : resolve(expanded);
}
