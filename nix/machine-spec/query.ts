import { invalidUri } from "./invalid-uri.ts";

/** Kept as they are when a query is written (libutil/url.cc `allowedInQuery`). */
const plainInQuery = ":@/?";

/** Percent-decodes to UTF-8 text. @throws DROVER_MACHINE_URI */
export function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalidUri(text, "a '%' in it does not start an encoded character", "Write a literal % as %25.");
  }
}

/** Encodes all but RFC 3986's unreserved characters and those in `plain`. */
export function percentEncode(text: string, plain = ""): string {
  return text.replaceAll(/[^A-Za-z0-9._~-]/gu, (character) => {
    if (plain.includes(character)) return character;
    const bytes = [...Buffer.from(character)];
    return bytes.map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
  });
}

export interface Query {
  readonly parameters: Record<string, string>;
  /** Parts without `=`, which Nix drops. */
  readonly ignored: readonly string[];
  /** Names of parameters that are there more than once. */
  readonly repeated: readonly string[];
}

/**
 * Store settings from the part after `?`. As in Nix the first of equal keys wins, and what has no `=` is dropped.
 *
 * @throws DROVER_MACHINE_URI
 */
export function parseQuery(query: string): Query {
  const parameters = new Map<string, string>();
  const repeated = new Set<string>();
  const ignored: string[] = [];
  for (const part of query === "" ? [] : query.split("&")) {
    const equals = part.indexOf("=");
    if (equals < 0) {
      if (part !== "") ignored.push(part);
      continue;
    }
    const key = percentDecode(part.slice(0, equals));
    if (parameters.has(key)) repeated.add(key);
    else parameters.set(key, percentDecode(part.slice(equals + 1)));
  }
  return { parameters: Object.fromEntries(parameters), ignored, repeated: [...repeated] };
}

/** With its `?`, keys sorted, or "" without parameters. */
export function printQuery(parameters: Readonly<Record<string, string>>): string {
  const parts = Object.keys(parameters)
    .toSorted()
    .map((key) => `${percentEncode(key, plainInQuery)}=${percentEncode(parameters[key] ?? "", plainInQuery)}`);
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}
