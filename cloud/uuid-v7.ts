import { randomBytes } from "node:crypto";

/**
 * A UUID of version 7 (RFC 9562 §5.7): 48 bits of milliseconds, 4 of version, 12 random, 2 of variant, 62 random; so
 * later ones sort later.
 *
 * @param time milliseconds since the epoch
 * @param tail ten bytes for the random bits
 */
export function uuidV7(time: number, tail: Uint8Array = randomBytes(10)): string {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(time, 0, 6);
  bytes.set(tail, 6);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
