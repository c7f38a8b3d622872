import { generateKeyPairSync, randomBytes } from "node:crypto";

const algorithm = "ssh-ed25519";
/** Node writes keys in DER, which ends with the raw 32 bytes (RFC 8410). */
const rawLength = 32;
const blockSize = 8;

/**
 * A new Ed25519 key in OpenSSH's own text form, without a passphrase (layout: OpenSSH's PROTOCOL.key). Not by ssh2's
 * generator: one in a hundred of its keys cannot be read by OpenSSH, since it drops zeros at their beginning.
 *
 * @param comment shown where the key is listed
 */
export function generateSshIdentity(comment: string): string {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const seed = privateKey.export({ format: "der", type: "pkcs8" }).subarray(-rawLength);
  const raw = publicKey.export({ format: "der", type: "spki" }).subarray(-rawLength);
  const check = randomBytes(4);
  const secret = Buffer.concat([
    check,
    check,
    string(algorithm),
    string(raw),
    string(Buffer.concat([seed, raw])),
    string(comment),
  ]);
  const padding = Uint8Array.from(
    { length: (blockSize - (secret.length % blockSize)) % blockSize },
    (_, index) => index + 1,
  );
  const file = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    // Cipher, key derivation and its options: none, since there is no passphrase.
    string("none"),
    string("none"),
    string(""),
    uint32(1),
    string(Buffer.concat([string(algorithm), string(raw)])),
    string(Buffer.concat([secret, padding])),
  ]);
  const lines = file.toString("base64").match(/.{1,70}/g) ?? [];
  return ["-----BEGIN OPENSSH PRIVATE KEY-----", ...lines, "-----END OPENSSH PRIVATE KEY-----", ""].join("\n");
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** With its length before it (RFC 4251, section 5). */
function string(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint32(bytes.length), bytes]);
}
