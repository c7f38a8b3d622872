import { type Authority, parseAuthority, printAuthority } from "./authority.ts";
import { invalidUri } from "./invalid-uri.ts";
import { parseQuery, percentEncode, printQuery, type Query } from "./query.ts";
import type { SshAddress } from "./types.ts";

const defaultPort = 22;

/** A machine's URI, understood. `ssh` is null for stores that are not reached by SSH. */
export interface MachineUri {
  /** Normalised as Nix renders it. */
  readonly uri: string;
  readonly ssh: SshAddress | null;
  /** The part before the query, as written, without its scheme. */
  readonly base: string;
  /** What SSH connects to, as written. */
  readonly authority: Authority | null;
  readonly query: Query;
}

/**
 * Reads an `ssh://` or `ssh-ng://` URI, or a bare `[user@]host[:port]`.
 *
 * @throws DROVER_MACHINE_URI
 */
export function parseSshUri(uri: string): SshAddress {
  const { ssh } = parseMachineUri(uri);
  if (ssh !== null) return ssh;
  throw invalidUri(uri, "only ssh and ssh-ng lead to a machine", "Write ssh-ng://[user@]host[:port].");
}

/**
 * Reads the first field of a machine. Nix's rule for what is a URI (libstore/machines.cc, 2.4 and later): the text is
 * taken as it is when it has a `/` or is one of Nix's special words; anything else gets `ssh://` before it. Unlike
 * Nix, which notices later, SSH addresses that no connection could use are refused here.
 *
 * @throws DROVER_MACHINE_URI
 */
export function parseMachineUri(text: string): MachineUri {
  const verbatim = text.includes("/") || /^(auto|daemon|local)?(\?|$)/.test(text);
  const [, scheme, rest] = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/(.*)$/s.exec(verbatim ? text : `ssh://${text}`) ?? [];
  if (scheme === undefined || rest === undefined) return parseLocalStore(text);
  const [base, query] = splitOnce(rest, "?");
  const read = parseQuery(query);
  const { parameters } = read;
  if (scheme !== "ssh" && scheme !== "ssh-ng") {
    return { uri: `${scheme}://${base}${printQuery(parameters)}`, ssh: null, base, authority: null, query: read };
  }
  if (base.includes("/")) {
    throw invalidUri(text, "something follows the host", "Remove what follows it; a store goes into ?remote-store=.");
  }
  const authority = parseAuthority(base, text);
  const { user, host, port } = authority;
  return {
    uri: `${scheme}://${printAuthority(authority)}${printQuery(parameters)}`,
    ssh: { scheme, user, host, port: port ?? defaultPort, parameters },
    base,
    authority,
    query: read,
  };
}

/** Writes an address back; the default port is left out. */
export function printSshUri({ scheme, user, host, port, parameters }: SshAddress): string {
  const authority: Omit<Authority, "hadPassword"> = { user, host, port: port === defaultPort ? null : port };
  return `${scheme}://${printAuthority(authority)}${printQuery(parameters)}`;
}

/** `auto`, `daemon`, `local` and paths, in the forms Nix renders (libstore/store-reference.cc). */
function parseLocalStore(text: string): MachineUri {
  const [base, query] = splitOnce(text, "?");
  const read = parseQuery(query);
  const printed = printQuery(read.parameters);
  const found = (uri: string): MachineUri => ({ uri, ssh: null, base, authority: null, query: read });
  if (base === "" || base === "auto") return found(`auto${printed}`);
  if (base === "daemon") return found(printed === "" ? "daemon" : `unix://${printed}`);
  if (base === "local") return found(printed === "" ? "local" : `local://${printed}`);
  if (base.includes("/") && !/^[A-Za-z][A-Za-z0-9+.-]*:/.test(base)) {
    return found(`local://${percentEncode(absolute(base), ":@/")}${printed}`);
  }
  throw invalidUri(text, "Nix cannot tell what it means", "Write ssh-ng:// before the host.");
}

/** Relative paths count from `/`, where Nix starts its build hook. */
function absolute(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}
