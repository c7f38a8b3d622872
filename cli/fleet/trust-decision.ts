import type { PresentedHostKey } from "../../lambdas/api/schema/inspections.ts";
import { DroverError } from "../../nix/drover-error.ts";
import type { HostKeyComparison } from "./host-keys.ts";

/** As `ssh-keygen -l` prints them. @throws {DroverError} DROVER_USAGE */
export function checkedFingerprints(fingerprints: readonly string[]): readonly string[] {
  for (const text of fingerprints) {
    if (/^SHA256:[A-Za-z0-9+/]{43}$/.test(text)) continue;
    throw new DroverError("DROVER_USAGE", `'${text}' is not a fingerprint of the form SHA256:…`, {
      subject: text,
      remedy: "Give what this prints on the machine: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
    });
  }
  return fingerprints;
}

/**
 * The keys to trust: those that were named, or where none was, all that the machine presents.
 *
 * @throws {DroverError} DROVER_FINGERPRINT when it does not present one that was named
 */
export function chosenKeys(
  name: string,
  presented: readonly PresentedHostKey[],
  fingerprints: readonly string[],
): readonly PresentedHostKey[] {
  const missing = fingerprints.filter((wanted) => presented.every(({ fingerprint }) => fingerprint !== wanted));
  if (missing.length > 0) {
    const shown = presented.map(({ type, fingerprint }) => `${type} ${fingerprint}`).join(", ");
    throw new DroverError("DROVER_FINGERPRINT", `${name} has no host key ${missing.join(", ")}; it presents ${shown}`, {
      subject: name,
      remedy:
        "Compare again on the machine itself. If the fingerprint is right there, whoever answers at this address is " +
        "another host: check the address, and who may be in between.",
      details: { presented: presented.map(({ type, fingerprint }) => ({ type, fingerprint })) },
    });
  }
  return fingerprints.length === 0
    ? presented
    : presented.filter(({ fingerprint }) => fingerprints.includes(fingerprint));
}

/**
 * What becomes of the chosen keys, held against those that are trusted.
 *
 * @param replace the owner knows that others are trusted, and why they are not there any more
 * @throws {DroverError} DROVER_HOST_KEY_MISMATCH when they would replace others, and nobody has said that they may
 */
export function decide(
  name: string,
  { verdict, absent, presented }: HostKeyComparison,
  replace: boolean,
): "trust them" | "nothing to do" {
  if (verdict === "untrusted") return "trust them";
  if (verdict === "same") return "nothing to do";
  if (replace) return "trust them";
  if (verdict === "enough") return "nothing to do";
  const list = (keys: readonly { readonly type: string; readonly fingerprint: string }[]) =>
    keys.map(({ type, fingerprint }) => `${type} ${fingerprint}`).join(", ");
  throw new DroverError(
    "DROVER_HOST_KEY_MISMATCH",
    `${name} is trusted by other host keys: ${list(absent)}, and not ${list(presented)}`,
    {
      subject: name,
      remedy:
        "Find out why: has it been installed anew, or is somebody in between? If the keys are its own, " +
        `trust them instead: drover machines trust ${name} --replace`,
    },
  );
}
