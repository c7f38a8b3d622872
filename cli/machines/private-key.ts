import { constants, open } from "node:fs/promises";

/** What a file is that is named as an SSH identity. */
export type PrivateKeyFile =
  | { readonly state: "usable" }
  /** It has a passphrase, which nobody is there to type. */
  | { readonly state: "locked" }
  | { readonly state: "missing" }
  | { readonly state: "unreadable"; readonly why: string }
  | { readonly state: "invalid"; readonly why: string };

/** Private keys have some kilobytes; what is longer is none. */
const longestKey = 65_536;

/** Looks at a file without using it: formats of OpenSSH (PROTOCOL.key), PEM (RFC 1421), PKCS #8 (RFC 5958). */
export async function lookAtPrivateKey(path: string): Promise<PrivateKeyFile> {
  let text: string;
  try {
    text = await readBeginning(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return { state: "missing" };
    return { state: "unreadable", why: error instanceof Error ? error.message : String(error) };
  }
  return privateKeyState(text);
}

export function privateKeyState(text: string): PrivateKeyFile {
  const pem = /^-----BEGIN ([A-Z ]*)PRIVATE KEY-----\r?\n([\s\S]*?)^-----END \1PRIVATE KEY-----/m.exec(text);
  if (pem === null) {
    const isPublic = /^(ssh-|ecdsa-|sk-)\S+ AAAA/m.test(text) || text.includes("BEGIN SSH2 PUBLIC KEY");
    return {
      state: "invalid",
      why: isPublic ? "it is a public key" : "it is no private key in OpenSSH's or PEM's form",
    };
  }
  const [, kind = "", body = ""] = pem;
  if (kind === "OPENSSH ") return openSshKeyState(Buffer.from(body, "base64"));
  if (kind === "ENCRYPTED " || /^Proc-Type: *4,ENCRYPTED/m.test(body)) return { state: "locked" };
  // ssh2 1.17 knows no PKCS #8 without a passphrase.
  if (kind === "") return { state: "invalid", why: "it is in PKCS #8's form; ssh-keygen -p -N '' -f rewrites it" };
  return { state: "usable" };
}

const magic = "openssh-key-v1\0";

/** After the magic: cipher, KDF and its options, the number of keys, their public halves (OpenSSH's PROTOCOL.key). */
function openSshKeyState(key: Buffer): PrivateKeyFile {
  if (key.toString("latin1", 0, magic.length) !== magic) return { state: "invalid", why: "it is damaged" };
  let offset = magic.length;
  const next = (): Buffer => {
    const start = offset + 4;
    offset = start + (key.length >= start ? key.readUInt32BE(offset) : 0);
    return key.subarray(start, offset);
  };
  const cipher = next().toString("latin1");
  next();
  next();
  offset += 4;
  const publicHalf = next();
  if (cipher === "" || publicHalf.length < 4 || offset > key.length) return { state: "invalid", why: "it is damaged" };
  const type = publicHalf.toString("latin1", 4, 4 + publicHalf.readUInt32BE(0));
  if (type.startsWith("sk-"))
    return { state: "invalid", why: `its key (${type}) is in a device that has to be touched` };
  return { state: cipher === "none" ? "usable" : "locked" };
}

async function readBeginning(path: string): Promise<string> {
  // Without waiting for the other end of what is a pipe.
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const { bytesRead, buffer } = await file.read(Buffer.alloc(longestKey), 0, longestKey, 0);
  return buffer.toString("utf8", 0, bytesRead);
}
