/** The type that a host key in SSH's wire form names, its first string (RFC 4253 §6.6): `ssh-ed25519`, say. */
export function keyType(blob: Uint8Array): string {
  const bytes = Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength);
  const length = bytes.length >= 4 ? bytes.readUInt32BE(0) : 0;
  return bytes.toString("latin1", 4, 4 + length);
}
