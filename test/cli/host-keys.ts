import type { PresentedHostKey } from "../../lambdas/api/schema/inspections.ts";
import { encodeHostKeys, hostKeyFingerprint, parseHostKeyLine } from "../../nix/machine-spec/host-key.ts";

/** A key in SSH's wire form, as somebody presents it. The same seed is the same key. */
export function presentedKey(seed: number, type = "ssh-ed25519"): PresentedHostKey {
  const strings = [Buffer.from(type), Buffer.alloc(32, seed)];
  const blob = Buffer.concat(
    strings.flatMap((bytes) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
  return { type, fingerprint: hostKeyFingerprint(blob), line: `${type} ${blob.toString("base64")}` };
}

/** A machine's eighth field. */
export function hostKeyField(keys: readonly Pick<PresentedHostKey, "line">[]): string {
  return encodeHostKeys(
    keys.map(({ line }) => parseHostKeyLine(line)),
    "host",
  );
}
