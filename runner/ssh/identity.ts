import ssh2 from "ssh2";
import { DroverError } from "../../nix/drover-error.ts";
import { hostKeyFingerprint } from "../../nix/machine-spec/host-key.ts";

/** With what the runner logs in. */
export interface Identity {
  /** Where it comes from, for messages: a path, or the name of a secret. */
  readonly label: string;
  /** The text of an OpenSSH or PEM private key without a passphrase. */
  readonly privateKey: string;
  /** Its public half, as a line for `authorized_keys`. */
  readonly publicLine: string;
  /** `SHA256:…` as `ssh-keygen -l` prints it. */
  readonly fingerprint: string;
}

/**
 * Reads the text of a private key.
 *
 * @param label its path, or the name of the secret
 * @throws {DroverError} DROVER_IDENTITY_LOCKED when it has a passphrase, which nobody is there to type;
 *   DROVER_IDENTITY_INVALID when it is no private key at all
 */
export function parseIdentity(privateKey: string, label: string): Identity {
  const parsed = ssh2.utils.parseKey(privateKey);
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  if (key instanceof Error) {
    if (/passphrase|encrypted/i.test(key.message)) throw locked(label, key);
    throw invalid(label, key.message, key);
  }
  if (!key.isPrivateKey()) throw invalid(label, "it is a public key");
  const blob = key.getPublicSSH();
  const publicLine = [key.type, blob.toString("base64"), key.comment].join(" ").trim();
  return { label, privateKey, publicLine, fingerprint: hostKeyFingerprint(blob) };
}

function locked(label: string, cause: Error): DroverError {
  return new DroverError("DROVER_IDENTITY_LOCKED", `The SSH identity ${label} has a passphrase.`, {
    subject: label,
    remedy:
      "Builds are non-interactive, so the key should not have a passphrase: make one with ssh-keygen -N '', or remove " +
      "this one's with ssh-keygen -p -N ''. Or load it into an ssh-agent before the runner starts.",
    cause,
  });
}

function invalid(label: string, why: string, cause?: Error): DroverError {
  return new DroverError("DROVER_IDENTITY_INVALID", `The SSH identity ${label} is no private key: ${why}.`, {
    subject: label,
    remedy: "Give the file that ssh-keygen wrote without the ending .pub, whole and unchanged.",
    cause,
  });
}
