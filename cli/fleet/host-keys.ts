import type { PresentedHostKey } from "../../lambdas/api/schema/inspections.ts";
import { DroverError } from "../../nix/drover-error.ts";
import { decodeHostKeys, hostKeyFingerprint } from "../../nix/machine-spec/host-key.ts";
import type { Style } from "../terminal/style.ts";

/** A key that is trusted, as far as people compare keys. */
export type KeyIdentity = Pick<PresentedHostKey, "type" | "fingerprint">;

/** What is presented, held against what is trusted. */
export interface HostKeyComparison {
  readonly presented: readonly (KeyIdentity & {
    /** `changed`: a key of its type is trusted, but not this one. */
    readonly standing: "trusted" | "new" | "changed";
  })[];
  /** Keys that are trusted and do not show themselves. */
  readonly absent: readonly KeyIdentity[];
  /**
   * `same`: there is nothing to decide. `enough`: who is there is known by one key at least, others came or went.
   * `different`: nothing says that it is the same host.
   */
  readonly verdict: "untrusted" | "same" | "enough" | "different";
}

/** @param field a machine's host key field; null: none is trusted */
export function trustedKeys(field: string | null): KeyIdentity[] {
  if (field === null) return [];
  try {
    return decodeHostKeys(field).map(({ type, blob }) => ({ type, fingerprint: hostKeyFingerprint(blob) }));
  } catch (error) {
    // One that an older release let through is no key that anybody presents.
    if (error instanceof DroverError) return [{ type: "unknown", fingerprint: "(can't be read)" }];
    throw error;
  }
}

export function compareHostKeys(presented: readonly KeyIdentity[], trusted: readonly KeyIdentity[]): HostKeyComparison {
  const isIn = (keys: readonly KeyIdentity[]) => {
    const fingerprints = new Set(keys.map(({ fingerprint }) => fingerprint));
    return ({ fingerprint }: KeyIdentity) => fingerprints.has(fingerprint);
  };
  const isTrusted = isIn(trusted);
  const absent = trusted.filter((key) => !isIn(presented)(key));
  const standingOf = (key: KeyIdentity) => {
    if (isTrusted(key)) return "trusted";
    return trusted.some(({ type }) => type === key.type) ? "changed" : "new";
  };
  const standings = presented.map(({ type, fingerprint }) => {
    return { type, fingerprint, standing: standingOf({ type, fingerprint }) } as const;
  });
  return { presented: standings, absent, verdict: verdictOf(standings, absent, trusted.length > 0) };
}

function verdictOf(
  standings: HostKeyComparison["presented"],
  absent: readonly KeyIdentity[],
  anyTrusted: boolean,
): HostKeyComparison["verdict"] {
  if (!anyTrusted) return "untrusted";
  const has = (wanted: string) => standings.some(({ standing }) => standing === wanted);
  if (!has("trusted") || has("changed")) return "different";
  return has("new") || absent.length > 0 ? "enough" : "same";
}

/** A row for each key: its type, its fingerprint, and how it stands to what is trusted. */
export function keyLines({ presented, absent }: HostKeyComparison, style: Style): string[] {
  const width = Math.max(0, ...[...presented, ...absent].map(({ type }) => type.length));
  const row = ({ type, fingerprint }: KeyIdentity, note: string) => `  ${type.padEnd(width)}  ${fingerprint}  ${note}`;
  const notes = {
    trusted: style.green("trusted"),
    new: style.yellow("not trusted yet"),
    changed: style.red("CHANGED: another key of this type is trusted"),
  };
  return [
    ...presented.map((key) => row(key, notes[key.standing])),
    ...absent.map((key) => row(key, style.yellow("trusted, but not presented"))),
  ];
}

/** What prints the fingerprints on the machine itself, for keys of these types. */
export function comparingCommands(keys: readonly Pick<KeyIdentity, "type">[]): string[] {
  const file = (type: string) =>
    type.startsWith("ecdsa-") ? "ecdsa" : type === "ssh-rsa" ? "rsa" : type.replace(/^ssh-/, "");
  return [...new Set(keys.map(({ type }) => `ssh-keygen -lf /etc/ssh/ssh_host_${file(type)}_key.pub`))];
}
