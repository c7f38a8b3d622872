import { DroverError } from "./drover-error.ts";

/**
 * A *byte string* holds one byte per JS character (U+0000 to U+00FF, which is latin1). Nix's own strings are bytes
 * without an encoding, so everything read from a derivation is a byte string: whatever bytes come in go out
 * unchanged, and JS's default sort orders them as Nix does (bytewise).
 */
export type ByteString = string;

/** The byte string of some bytes: each byte becomes one character. Never fails. */
export function byteStringOf(bytes: Uint8Array): ByteString {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** @throws DROVER_BYTE_STRING when a character is above U+00FF: ordinary text was passed for a byte string. */
export function bytesOf(text: ByteString): Uint8Array {
  const wide = text.search(/[\u0100-\uffff]/);
  if (wide >= 0) {
    throw new DroverError("DROVER_BYTE_STRING", `Character ${wide} of a byte string does not fit in one byte.`, {
      remedy: "Encode the text as UTF-8 first (byteStringOfText).",
      details: { offset: wide },
    });
  }
  return Buffer.from(text, "latin1");
}

/** Ordinary text as the byte string of its UTF-8 form, which is how Nix sees it. */
export function byteStringOfText(text: string): ByteString {
  return byteStringOf(Buffer.from(text, "utf8"));
}

/** For people's eyes and for JSON: bytes that are not UTF-8 become U+FFFD. */
export function textOfByteString(text: ByteString): string {
  return Buffer.from(bytesOf(text)).toString("utf8");
}
