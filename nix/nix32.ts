import { DroverError } from "./drover-error.ts";

/** Nix's base 32 alphabet (libutil/base-nix-32.cc): digits and letters without e, o, u and t. */
const alphabet = "0123456789abcdfghijklmnpqrsvwxyz";
const digitOf: ReadonlyMap<string, number> = new Map(Array.from(alphabet, (character, digit) => [character, digit]));

/**
 * Nix's base 32: `ceil(8 n / 5)` characters for n bytes. The bytes are one little-endian bit string and the *last*
 * character holds its lowest five bits.
 */
export function encodeNix32(bytes: Uint8Array): string {
  let text = "";
  for (let position = Math.ceil((bytes.length * 8) / 5) - 1; position >= 0; position--) {
    const bit = position * 5;
    const index = bit >> 3;
    const window = (bytes[index] ?? 0) | ((bytes[index + 1] ?? 0) << 8);
    text += alphabet[(window >> (bit & 7)) & 31];
  }
  return text;
}

/**
 * The inverse of {@link encodeNix32}. Stricter than Nix: a length that no number of bytes encodes to, and set bits
 * beyond the last byte, are refused, so that each value has exactly one text.
 *
 * @throws DROVER_NIX32
 */
export function decodeNix32(text: string): Uint8Array {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
  if (Math.ceil((bytes.length * 8) / 5) !== text.length) throw invalid(text, "its length fits no number of bytes");
  for (let position = 0; position < text.length; position++) {
    const character = text.charAt(text.length - 1 - position);
    const digit = digitOf.get(character);
    if (digit === undefined) throw invalid(text, `'${character}' is not in Nix's alphabet`);
    const bit = position * 5;
    const index = bit >> 3;
    const window = digit << (bit & 7);
    bytes[index] = (bytes[index] ?? 0) | (window & 0xff);
    if (window <= 0xff) continue;
    if (index + 1 >= bytes.length) throw invalid(text, "it has bits beyond its last byte");
    bytes[index + 1] = window >> 8;
  }
  return bytes;
}

function invalid(text: string, reason: string): DroverError {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return new DroverError("DROVER_NIX32", `'${shown}' is not Nix base 32: ${reason}.`, {
    subject: shown,
    remedy: `Use only the characters ${alphabet}, in a text that Nix printed.`,
  });
}
