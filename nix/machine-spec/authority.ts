import * as z from "zod";
import { invalidUri } from "./invalid-uri.ts";
import { quote } from "./quote.ts";
import { percentDecode, percentEncode } from "./query.ts";

/** `[user@]host[:port]` of an SSH URI, decoded. */
export interface Authority {
  readonly user: string | null;
  /** Without brackets; a zone follows a plain `%`. */
  readonly host: string;
  /** null when it is not written. */
  readonly port: number | null;
  /** OpenSSH takes no password from there, so it is dropped; this says that there was one. */
  readonly hadPassword: boolean;
}

const ipv6 = z.ipv6();

/** What OpenSSH refuses in a user's or host's name (ssh.c `valid_ruser`, `valid_hostname`), and URI delimiters. */
const refusedInUser = /[^\u0021-\u007e]|['`";&<>|(){}]/u;
const refusedInHost = /[^\u0021-\u007e]|['`"$\\;&<>|(){},/?#@[\]:%]/u;

/**
 * Reads the authority of an SSH URI as Nix 2.32 and later do (libutil/url.cc, libstore/store-reference.cc): IPv6
 * addresses in brackets, or bare ones, which then take the whole text and have no port.
 *
 * @throws DROVER_MACHINE_URI
 */
export function parseAuthority(text: string, uri: string): Authority {
  const at = text.lastIndexOf("@");
  const login = at < 0 ? null : parseLogin(text.slice(0, at), uri);
  const destination = text.slice(at + 1);
  const { host, port } = parseIPv6(destination) ?? parseNamedHost(destination, uri);
  return { user: login?.user ?? null, host, port: parsePort(port, uri), hadPassword: login?.hadPassword ?? false };
}

/** As Nix renders it: IPv6 in brackets with an encoded zone, names percent-encoded. */
export function printAuthority({ user, host, port }: Pick<Authority, "user" | "host" | "port">): string {
  const printedHost = host.includes(":") ? `[${percentEncode(host, ":")}]` : percentEncode(host);
  return `${user === null ? "" : `${percentEncode(user)}@`}${printedHost}${port === null ? "" : `:${port}`}`;
}

function parseLogin(text: string, uri: string): { user: string; hadPassword: boolean } {
  const colon = text.indexOf(":");
  const user = percentDecode(colon < 0 ? text : text.slice(0, colon));
  if (user === "") throw invalidUri(uri, "the user name is empty", "Leave out the @, or write a user name before it.");
  if (user.startsWith("-")) throw invalidUri(uri, "the user name starts with '-'", "Correct the user name.");
  if (refusedInUser.test(user)) throw invalidUri(uri, "the user name has illegal characters", "Correct the user name.");
  return { user, hadPassword: colon >= 0 };
}

/** `[::1]`, `[::1]:22`, `[fe80::1%25eth0]`, `[fe80::1%eth0]`; bare `::1` and `fe80::1%eth0`. */
function parseIPv6(text: string): { host: string; port: string } | undefined {
  if (!text.includes(":")) return undefined;
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/s.exec(text);
  const [address = "", ...rest] = (bracketed?.[1] ?? text).split("%");
  if (!ipv6.safeParse(address).success) return undefined;
  const zone = rest.join("%");
  const host = { port: bracketed?.[2] ?? "" };
  if (rest.length === 0) return { host: address, ...host };
  // Only within brackets is %25 an encoded percent sign; an unbracketed zone is taken as it stands.
  const decoded = bracketed !== null && /^25./s.test(zone) ? zone.slice(2) : zone;
  return /^[A-Za-z0-9._~-]+$/.test(decoded) ? { host: `${address}%${decoded}`, ...host } : undefined;
}

function parseNamedHost(text: string, uri: string): { host: string; port: string } {
  const colon = text.lastIndexOf(":");
  const host = percentDecode(colon < 0 ? text : text.slice(0, colon));
  if (host === "") throw invalidUri(uri, "the host name is empty", "Write the machine's host name.");
  if (host.startsWith("-")) throw invalidUri(uri, "the host name starts with '-'", "Correct the host name.");
  if (refusedInHost.test(host)) {
    throw invalidUri(uri, "the host name has illegal characters", "Write [user@]host[:port], IPv6 hosts in brackets.");
  }
  return { host, port: colon < 0 ? "" : text.slice(colon + 1) };
}

/** An empty port is no port (RFC 3986 §3.2.3). */
function parsePort(text: string, uri: string): number | null {
  if (text === "") return null;
  const port = Number(text);
  if (/^[0-9]+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw invalidUri(uri, `${quote(text)} is not a port`, "Write a port from 1 to 65535 after the colon, or none.");
}
