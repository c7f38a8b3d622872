import { invalidUri } from "./invalid-uri.ts";

/** Kept as they are when a query is written (libutil/url.cc `allowedInQuery`). */
const plainInQuery = ":@/?";

/** Percent-decodes to UTF-8 text. @throws DROVER_MACHINE_URI */
export function percentDecode(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalidUri(text, "a '%' in it does not start an encoded character", "Write a literal % as %25.");
  }
}

/** Encodes all but RFC 3986's unreserved characters and those in `plain`: `:`, `@`, `/` and `?` at most. */
export function percentEncode(text: string, plain: "" | ":" | ":@/" | ":@/?" = ""): string {
  return text.replaceAll(encoded[plain], (run) => {
    const hex = Buffer.from(run).toString("hex").toUpperCase();
    return hex.replaceAll(/../g, "%$&");
  });
}

/** Runs of characters, so that long ones cost little. */
const encoded = {
  "": /[^A-Za-z0-9._~-]+/gu,
  ":": /[^A-Za-z0-9._~:-]+/gu,
  ":@/": /[^A-Za-z0-9._~:@/-]+/gu,
  ":@/?": /[^A-Za-z0-9._~:@/?-]+/gu,
};

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
  if (query === "") return { parameters: {}, ignored: [], repeated: [] };
  const parameters = new Map<string, string>();
  const repeated = new Set<string>();
  const ignored: string[] = [];
  for (const part of query.split("&")) {
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
  const keys = Object.keys(parameters);
  if (keys.length === 0) return "";
  const parts = keys
    .toSorted()
    .map((key) => `${percentEncode(key, plainInQuery)}=${percentEncode(parameters[key] ?? "", plainInQuery)}`);
  return `?${parts.join("&")}`;
}
