import type { NarInfo } from "../../nix/narinfo.ts";
import type { StorePath } from "../../nix/store-path.ts";

export interface NarInfoMemoOptions {
  /** Paths. @default 20_000 (some 20 MB) */
  readonly size?: number | undefined;
  /** Milliseconds; a path that is deleted from the cache is believed in for so long. @default 600_000 */
  readonly timeToLive?: number | undefined;
}

/** Remembers narinfos that were found, the least recently used forgotten first. Absence is never remembered. */
export class NarInfoMemo {
  readonly #size: number;
  readonly #timeToLive: number;
  /** In order of use: a Map keeps the order of insertion. */
  readonly #entries = new Map<StorePath, { info: NarInfo; until: number }>();

  constructor({ size = 20_000, timeToLive = 600_000 }: NarInfoMemoOptions = {}) {
    this.#size = size;
    this.#timeToLive = timeToLive;
  }

  get(path: StorePath): NarInfo | undefined {
    const entry = this.#entries.get(path);
    if (entry === undefined) return undefined;
    this.#entries.delete(path);
    if (entry.until <= Date.now()) return undefined;
    this.#entries.set(path, entry);
    return entry.info;
  }

  add(info: NarInfo): void {
    this.#entries.delete(info.storePath);
    this.#entries.set(info.storePath, { info, until: Date.now() + this.#timeToLive });
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#size) break;
      this.#entries.delete(oldest);
    }
  }

  forget(path: StorePath): void {
    this.#entries.delete(path);
  }
}
