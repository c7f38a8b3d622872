/**
 * A NAR, Nix's archive of one store path, as a sequence of events in the order of its bytes: one node, where a
 * directory is `directory`, then for each child its `entry` and the child's node, then `end`.
 * Names and targets are byte strings (latin1).
 */
export type NarEvent =
  | { readonly type: "directory" }
  | { readonly type: "entry"; readonly name: string }
  | {
      readonly type: "regular";
      readonly executable: boolean;
      /** Bytes in `contents`. */
      readonly size: number;
      /** To be read before the next event is asked for; what was not read by then is skipped. */
      readonly contents: AsyncIterable<Uint8Array>;
    }
  | { readonly type: "symlink"; readonly target: string }
  | { readonly type: "end" };

/** The first token of every NAR. */
export const NAR_MAGIC = "nix-archive-1";

export interface NarLimits {
  /** How many directories may be inside each other, the root included. */
  readonly depth: number;
  /** Bytes of an entry's name. */
  readonly nameLength: number;
  /** Bytes of a symlink's target. */
  readonly targetLength: number;
}

/** What Nix's master accepts (and what Linux can put on a disk). */
export const NAR_LIMITS: NarLimits = { depth: 64, nameLength: 255, targetLength: 4095 };
