import type { NarSource } from "../../cloud/ports/binary-cache.ts";
import { parseDerivation } from "../../nix/derivation/parse.ts";
import type { Derivation } from "../../nix/derivation/types.ts";
import { readSingleFileNar } from "../../nix/nar/single-file.ts";
import type { StorePath } from "../../nix/store-path.ts";

/** A derivation file larger than this is refused; the largest in nixpkgs are some hundred KiB. */
const maximumBytes = 16 * 1024 * 1024;

/** How many derivations one walk remembers. Inputs are read by each of their dependents, soon after one another. */
const remembered = 5_000;

/** Reads derivation files out of a binary cache, each once. */
export class DerivationFiles {
  readonly #sources: NarSource;
  readonly #read = new Map<StorePath, Promise<Derivation | undefined>>();

  constructor(sources: NarSource) {
    this.#sources = sources;
  }

  /**
   * @returns undefined when no cache has the file
   * @throws {DroverError} DROVER_DERIVATION_SYNTAX and what reading a NAR can throw
   */
  async read(path: StorePath): Promise<Derivation | undefined> {
    let reading = this.#read.get(path);
    if (reading === undefined) {
      reading = this.#fetch(path);
      this.#read.set(path, reading);
      const [oldest] = this.#read.keys();
      if (this.#read.size > remembered && oldest !== undefined) this.#read.delete(oldest);
    }
    return await reading;
  }

  async #fetch(path: StorePath): Promise<Derivation | undefined> {
    const info = (await this.#sources.narInfos([path])).get(path);
    if (info === undefined) return undefined;
    return parseDerivation(await readSingleFileNar(this.#sources.openNar(info), maximumBytes), path);
  }
}
