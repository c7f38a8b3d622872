import { textOfByteString } from "../byte-string.ts";
import { DroverError } from "../drover-error.ts";
import { decodeLenientBase64 } from "./base64.ts";
import { type PublicKey, readPublicKey } from "./public-key.ts";

/** A line of a `.pub` file or of known_hosts. */
export interface KeyLine {
  /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, … */
  readonly type: string;
  /** The key in base 64. */
  readonly encoded: string;
  readonly comment: string;
  /** Whose key it is, where the line says so: the first field of known_hosts, with its commas and patterns. */
  readonly hosts?: string | undefined;
}

/**
 * Reads the lines that a machine's eighth field encodes. Nix writes `<host> ` before the text and gives it to ssh as its
 * known_hosts file (libstore/ssh.cc), so the further lines may, and for Nix must, begin with a host; the first one must
 * not.
 *
 * @throws DROVER_BASE64 when it is not base 64, DROVER_HOST_KEY when a line of it is not a key
 */
export function readKeyLines(base64: string): readonly [KeyLine, ...KeyLine[]] {
  const bytes = decodeLenientBase64(base64);
  const text = /^[\0-\u007f]*$/.test(bytes) ? bytes : textOfByteString(bytes);
  if (text.includes("PRIVATE KEY-----")) throw privateKey();
  const keys = text.split(/[\r\n]+/).flatMap((line, index) => {
    if (/^[ \t]*(#|$)/.test(line)) return [];
    const key = readKeyLine(line);
    if (index === 0 && key.hosts !== undefined) throw hostBeforeFirstKey(key);
    return [key];
  });
  const [first, ...others] = keys;
  if (first === undefined) throw invalid("it is empty");
  return [first, ...others];
}

/**
 * Reads `type key [comment]`, or `hosts type key [comment]`.
 *
 * @throws DROVER_HOST_KEY
 */
export function readKeyLine(line: string): KeyLine {
  const content = line.trim();
  if (content.includes("PRIVATE KEY-----")) throw privateKey();
  if (/[\r\n]/.test(content)) throw invalid("it has more than one line");
  const words = content.split(/[ \t]+/);
  const first = words[0] ?? "";
  if (first.startsWith("@")) {
    throw invalid(
      `'${first.slice(0, 100)}' is not supported`,
      "Give the host's own key, not that of its certificate authority.",
    );
  }
  const key = readPublicKey(words[1] ?? "");
  if (key !== undefined) return keyLine(first, key, words.slice(2).join(" "));
  const keyAfterHosts = readPublicKey(words[2] ?? "");
  if (keyAfterHosts !== undefined) {
    return { ...keyLine(words[1] ?? "", keyAfterHosts, words.slice(3).join(" ")), hosts: first };
  }
  const bare = readPublicKey(first);
  if (bare !== undefined) throw typeMissing(bare);
  throw invalid("it is not a line of the form 'type key comment'");
}

/** The eighth field for some lines, of which Nix needs a host before all but the first. */
export function encodeKeyLines(lines: readonly KeyLine[], host: string): string {
  const texts = lines.map(({ type, encoded, comment }, index) => {
    const line = `${type} ${encoded} ${comment}`.trimEnd();
    return index === 0 ? `${line}\n` : `${host} ${line}\n`;
  });
  return Buffer.from(texts.join("")).toString("base64");
}

function keyLine(type: string, { encoded, type: ownType, whole }: PublicKey, comment: string): KeyLine {
  if (ownType !== type) throw invalid(`its key is not of the type '${type.slice(0, 100)}' that it names`);
  if (type.includes("-cert-")) {
    throw invalid("it is a certificate", "Give the host's own key: the .pub file without -cert in its name.");
  }
  if (!whole) throw invalid("its key is cut off", "Copy the whole line of the host's .pub file, and encode it.");
  return { type, encoded, comment };
}

function hostBeforeFirstKey(key: KeyLine): DroverError {
  return invalid(
    `it is a line of known_hosts, which begins with the host '${key.hosts?.slice(0, 100)}'`,
    `Leave out the host, since Nix writes it there itself. Encoded: ${encodeKeyLines([key], "")}`,
  );
}

function typeMissing({ encoded, type, whole }: PublicKey): DroverError {
  if (!whole) return invalid("it is a part of a key");
  const line = encodeKeyLines([{ type, encoded, comment: "" }], "");
  return invalid(`the type '${type}' is missing before the key`, `Encode both words: ${line}`);
}

/** Whoever can read the machines file can pretend to be the host. */
function privateKey(): DroverError {
  return invalid(
    "it is a private key",
    "Replace that key, which is no secret any more, and give the new one's .pub file.",
  );
}

function invalid(problem: string, remedy?: string): DroverError {
  return new DroverError("DROVER_HOST_KEY", `The host key is not a public key line: ${problem}.`, {
    remedy: remedy ?? "Give the base 64 of the host's .pub file: base64 -w0 /etc/ssh/ssh_host_ed25519_key.pub",
  });
}
