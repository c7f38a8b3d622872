import { collect } from "../blobs/byte-stream.ts";
import type { Blobs } from "../ports/blobs.ts";
import type { LogPiece } from "../ports/logs.ts";
import { type LogPlace, printCursor } from "./cursor.ts";
import { cutLength, pieceSize } from "./cut.ts";
import { derivationLogKey, type LoggedAttempt, segmentKey } from "./keys.ts";

/** Who comes late gets many small segments at once, but not so many that he waits for them. */
const mostSegments = 32;

/**
 * The next piece of a derivation's log.
 *
 * @returns "missing" when the derivation has no log, undefined at its end
 */
export async function readWhole(
  blobs: Blobs,
  { drvPath }: LoggedAttempt,
  { segment, offset }: LogPlace,
): Promise<LogPiece | "missing" | undefined> {
  const key = derivationLogKey(drvPath);
  const found = await blobs.get(key, { range: { first: offset, last: offset + pieceSize - 1 } });
  if (found === undefined) return "missing";
  const bytes = await collect(found.body, pieceSize, key);
  const isLast = offset + bytes.length >= found.size;
  return piece(isLast ? bytes : bytes.subarray(0, cutLength(bytes)), { segment, offset });
}

/** The next piece of what is in segments; undefined when there are no more of them for now. */
export async function readSegments(
  blobs: Blobs,
  attempt: LoggedAttempt,
  { segment: first, offset }: LogPlace,
): Promise<LogPiece | undefined> {
  const segments: Buffer[] = [];
  let room = pieceSize;
  while (room > 0 && segments.length < mostSegments) {
    const key = segmentKey(attempt, first + segments.length);
    const found = await blobs.get(key, { range: { first: 0, last: room - 1 } });
    if (found === undefined) break;
    const bytes = await collect(found.body, pieceSize, key);
    // Segments are read whole or not at all: this one is the next piece's.
    if (bytes.length < found.size) break;
    segments.push(bytes);
    room -= bytes.length;
  }
  return piece(Buffer.concat(segments), { segment: first + segments.length, offset });
}

/** @param place where the bytes begin, and the segment that follows them */
function piece(bytes: Buffer, { segment, offset }: LogPlace): LogPiece | undefined {
  if (bytes.length === 0) return undefined;
  // Not by TextDecoder, which drops a byte order mark at the beginning of each piece.
  return { text: bytes.toString("utf8"), cursor: printCursor({ segment, offset: offset + bytes.length }) };
}
