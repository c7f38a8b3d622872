/** One machine, as Nix understands an entry of its `builders` setting (new meaning: 2.24.15, 2.28.2 and later). */
export interface MachineSpec {
  /** Normalised as Nix renders it: `mac` is `ssh://mac`, `root@::1` is `ssh://root@[::1]`. Never has a password. */
  uri: string;
  /** Sorted. Empty means that only `builtin` derivations match. */
  systems: string[];
  /** Path on the client of the SSH identity file; null when the field is unset. */
  sshKey: string | null;
  /** 0 means that the machine is never used. */
  maxJobs: number;
  /** Positive. */
  speedFactor: number;
  /** Sorted. What is mandatory is supported too, listed here or not. */
  supportedFeatures: string[];
  /** Sorted. Only derivations that require all of these match. */
  mandatoryFeatures: string[];
  /** Base 64 of a whole `.pub` line, as written (host-key.ts reads it); null when the field is unset. */
  hostKey: string | null;
}

/** Something wrong with the text, at a place in it. An error costs its entry only; a lint costs nothing. */
export interface MachineSpecProblem {
  file: string | null;
  /** 1-based. */
  line: number;
  /** 1-based, in characters (code points). */
  column: number;
  code: `DROVER_${string}`;
  message: string;
  remedy: string;
}

/** An SSH destination and the store settings in its query. */
export interface SshAddress {
  scheme: "ssh" | "ssh-ng";
  user: string | null;
  /** Without brackets; a zone follows a plain `%`: `fe80::1%eth0`. */
  host: string;
  port: number;
  parameters: Record<string, string>;
}

/** A text, or a stretch of a file, and where that begins: lines and columns as those of problems. */
export interface TextPart {
  /** Null for a text that is no file. */
  readonly file: string | null;
  /** @default 1 */
  readonly line?: number;
  /** @default 1 */
  readonly column?: number;
  readonly text: string;
}
