/** The most that is in a segment and in what a reader gets at once, in bytes. */
export const pieceSize = 256 * 1024;
/** A line longer than this is shown in parts, in bytes. */
export const longestLine = 64 * 1024;

const lineFeed = 0x0a;

/**
 * How much of the beginning of a log's rest may go out while more is to come: whole lines, or, where the last one
 * is too long to wait for its end, whole characters. Decoding the parts gives what decoding the whole gives, also where
 * the bytes are no UTF-8.
 */
export function cutLength(bytes: Uint8Array): number {
  const lines = lastLineEnd(bytes);
  return bytes.length - lines > longestLine ? wholeCharacters(bytes) : lines;
}

/** Where the last line ends in these bytes: the index behind its line feed, 0 where there is none. */
export function lastLineEnd(bytes: Uint8Array): number {
  return bytes.lastIndexOf(lineFeed) + 1;
}

/** A decoder begins anew at each byte that does not continue a character, so it is safe to cut before any of those. */
function wholeCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= 3; back += 1) {
    const byte = bytes.at(-back) ?? 0;
    if (isContinuation(byte)) continue;
    return characterLength(byte) > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

/** In bytes, by the first one (RFC 3629, section 3). */
function characterLength(first: number): number {
  if (first < 0xc0) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}
