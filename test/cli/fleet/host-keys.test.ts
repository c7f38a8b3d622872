import { describe, expect, it } from "vitest";
import {
  compareHostKeys,
  comparingCommands,
  type HostKeyComparison,
  trustedKeys,
} from "../../../cli/fleet/host-keys.ts";
import { decide } from "../../../cli/fleet/trust-decision.ts";
import { DroverError } from "../../../nix/drover-error.ts";
import { hostKeyField, presentedKey } from "../host-keys.ts";

const ed25519 = presentedKey(1);
const rsa = presentedKey(2, "ssh-rsa");
const newEd25519 = presentedKey(3);

function decided(comparison: HostKeyComparison): string {
  try {
    return decide("mac", comparison, false);
  } catch (error) {
    return error instanceof DroverError ? error.code : "another error";
  }
}

describe("what a machine presents, held against what is trusted", () => {
  it.each([
    ["nothing is trusted", [ed25519, rsa], [], "untrusted", "trust them", "trust them"],
    ["all is trusted", [ed25519, rsa], [rsa, ed25519], "same", "nothing to do", "nothing to do"],
    ["it has a further key", [ed25519, rsa], [ed25519], "enough", "nothing to do", "trust them"],
    ["one of its keys is gone", [ed25519], [ed25519, rsa], "enough", "nothing to do", "trust them"],
    [
      "one of several keys of a type is gone",
      [ed25519],
      [ed25519, newEd25519],
      "enough",
      "nothing to do",
      "trust them",
    ],
    [
      "one of its keys has changed",
      [newEd25519, rsa],
      [ed25519, rsa],
      "different",
      "DROVER_HOST_KEY_MISMATCH",
      "trust them",
    ],
    ["its only key has changed", [newEd25519], [ed25519], "different", "DROVER_HOST_KEY_MISMATCH", "trust them"],
    ["it has a key of another type only", [rsa], [ed25519], "different", "DROVER_HOST_KEY_MISMATCH", "trust them"],
  ] as const)("when %s", (_, presented, trusted, verdict, decision, whenReplacing) => {
    const comparison = compareHostKeys(presented, trusted);
    expect(comparison.verdict).toBe(verdict);
    expect(decide("mac", comparison, true)).toBe(whenReplacing);
    expect(decided(comparison)).toBe(decision);
  });

  it("reads all trusted keys from the machine's field", () => {
    const identity = ({ type, fingerprint }: typeof rsa) => ({ type, fingerprint });
    expect(trustedKeys(hostKeyField([ed25519, rsa]))).toEqual([identity(ed25519), identity(rsa)]);
    expect(trustedKeys(null)).toEqual([]);
  });
});

describe("comparingCommands()", () => {
  it("names the file of each type once", () => {
    const types = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp521", "ssh-rsa"];
    expect(comparingCommands(types.map((type) => ({ type })))).toEqual([
      "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
      "ssh-keygen -lf /etc/ssh/ssh_host_ecdsa_key.pub",
      "ssh-keygen -lf /etc/ssh/ssh_host_rsa_key.pub",
    ]);
  });
});
