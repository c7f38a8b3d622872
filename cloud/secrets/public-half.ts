import { createPublicKey, type JsonWebKey } from "node:crypto";
import { DroverError } from "../../nix/drover-error.ts";

/** The public half of an SSH identity. */
export interface PublicHalf {
  /** In SSH's wire form (RFC 4253 §6.6). */
  readonly blob: Uint8Array;
  /** As a `.pub` file has it: `type base64 [comment]`. */
  readonly line: string;
}

const openSshLabel = "OPENSSH PRIVATE KEY";
const openSshMagic = "openssh-key-v1\0";

/**
 * Finds the public half of a private key in OpenSSH's form (PROTOCOL.key, where it stands in clear) or in PEM
 * (PKCS #1, SEC 1, PKCS #8): RSA, ECDSA on NIST's curves, Ed25519. PEM has no comment, and neither has an OpenSSH key
 * with a passphrase.
 *
 * @param name of the secret, for messages
 * @throws {DroverError} DROVER_IDENTITY_INVALID; never with key material in it
 */
export function publicHalf(privateKey: string, name: string): PublicHalf {
  try {
    const { blob, comment } = privateKey.includes(`BEGIN ${openSshLabel}`)
      ? fromOpenSsh(privateKey)
      : { blob: fromPem(privateKey), comment: "" };
    const type = new Fields(blob).text();
    return { blob, line: [type, blob.toString("base64"), comment].join(" ").trim() };
  } catch (cause) {
    throw new DroverError("DROVER_IDENTITY_INVALID", `The SSH identity ${name} has no public half that can be read.`, {
      subject: name,
      remedy: "Replace it by a key without a passphrase: ssh-keygen -t ed25519 -N '' -f FILE",
      cause,
    });
  }
}

function fromOpenSsh(text: string): { blob: Buffer; comment: string } {
  const [, base64 = ""] = new RegExp(`BEGIN ${openSshLabel}-+([^-]+)-+END`).exec(text) ?? [];
  const file = Buffer.from(base64, "base64");
  if (file.toString("latin1", 0, openSshMagic.length) !== openSshMagic) throw new Error("it does not begin as one");
  const fields = new Fields(file.subarray(openSshMagic.length));
  const cipher = fields.text();
  fields.skip(2); // The key derivation and its options.
  if (fields.number() !== 1) throw new Error("it holds more than one key");
  const blob = fields.bytes();
  return { blob, comment: cipher === "none" ? commentOf(fields.bytes(), blob) : "" };
}

/** Fields of a private key between its type and its comment. */
const privateFields: Readonly<Record<string, number>> = {
  "ssh-rsa": 6,
  "ssh-ed25519": 2,
  "ecdsa-sha2-nistp256": 3,
  "ecdsa-sha2-nistp384": 3,
  "ecdsa-sha2-nistp521": 3,
};

function commentOf(secret: Buffer, blob: Buffer): string {
  const fields = new Fields(secret);
  fields.number(); // Twice the same number, by which OpenSSH notices a wrong passphrase.
  fields.number();
  const type = fields.text();
  if (type !== new Fields(blob).text()) throw new Error("its halves are of different types");
  const between = privateFields[type];
  if (between === undefined) return "";
  fields.skip(between);
  return fields.text();
}

function fromPem(text: string): Buffer {
  const key = createPublicKey(text).export({ format: "jwk" });
  const part = (name: "n" | "e" | "x" | "y"): Buffer => Buffer.from(required(key, name), "base64url");
  if (key.kty === "RSA") return wire("ssh-rsa", positive(part("e")), positive(part("n")));
  if (key.kty === "OKP" && key.crv === "Ed25519") return wire("ssh-ed25519", part("x"));
  const curve = key.kty === "EC" ? `nistp${/^P-(256|384|521)$/.exec(key.crv ?? "")?.[1] ?? ""}` : "";
  if (curve.length <= "nistp".length) throw new Error("SSH has no such type of key");
  // SEC 1 §2.3.3: an uncompressed point.
  return wire(`ecdsa-sha2-${curve}`, curve, Buffer.concat([Buffer.from([4]), part("x"), part("y")]));
}

function required(key: JsonWebKey, name: "n" | "e" | "x" | "y"): string {
  const value = key[name];
  if (value === undefined) throw new Error(`it has no ${name}`);
  return value;
}

/** RFC 4251 §5, `mpint`: a leading zero where the first bit would mean a negative number. */
function positive(number: Buffer): Buffer {
  return (number[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), number]) : number;
}

function wire(...fields: readonly (string | Buffer)[]): Buffer {
  return Buffer.concat(
    fields.flatMap((field) => {
      const bytes = Buffer.from(field);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}

/** Reads SSH's wire form, field by field; what ends too early is a RangeError. */
class Fields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  number(): number {
    this.#at += 4;
    return this.#bytes.readUInt32BE(this.#at - 4);
  }

  bytes(): Buffer {
    const length = this.number();
    this.#at += length;
    if (this.#at > this.#bytes.length) throw new RangeError("it ends too early");
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  text(): string {
    return this.bytes().toString("utf8");
  }

  skip(fields: number): void {
    for (let left = fields; left > 0; left--) this.bytes();
  }
}
