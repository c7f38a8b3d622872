import { DroverError } from "../../../nix/drover-error.ts";
import { decodeHostKeys, hostKeyFingerprint } from "../../../nix/machine-spec/host-key.ts";

/**
 * Of all keys of a machine's eighth field, as `ssh-keygen -l` prints them. Keys are checked when they are stored; one
 * that an older release let through has none.
 */
export function fingerprints(hostKey: string): readonly string[] {
  try {
    return decodeHostKeys(hostKey).map(({ blob }) => hostKeyFingerprint(blob));
  } catch (error) {
    if (error instanceof DroverError) return [];
    throw error;
  }
}
