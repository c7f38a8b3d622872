import type { NarSource } from "../../cloud/ports/binary-cache.ts";
import { parseDerivation } from "../../nix/derivation/parse.ts";
import type { Derivation } from "../../nix/derivation/types.ts";
import { readSingleFileNar } from "../../nix/nar/single-file.ts";
import type { NarInfo } from "../../nix/narinfo.ts";
import type { StorePath } from "../../nix/store-path.ts";
import { missingInput, refusalOf } from "./refusal.ts";
import { Remembered } from "./remembered.ts";

/** A derivation file larger than this is refused; the largest in nixpkgs are some hundred KiB. */
const maximumDerivationBytes = 16 * 1024 * 1024;

/** What is remembered is what attempts share: compilers and their libraries. Some 20 MB. */
const remembered = { infos: 20_000, outputs: 20_000 };

/** What the caches say about store paths. They never change, so all that was read once is remembered for a while. */
export class KnownPaths {
  readonly #sources: NarSource;
  readonly #infos = new Remembered<StorePath, NarInfo>(remembered.infos);
  readonly #outputs = new Remembered<StorePath, ReadonlyMap<string, StorePath>>(remembered.outputs);

  constructor(sources: NarSource) {
    this.#sources = sources;
  }

  /**
   * @param neededBy for the message
   * @throws {Refusal} DROVER_INPUT_MISSING when one of them is in no cache
   */
  async infos(paths: readonly StorePath[], neededBy: StorePath, signal: AbortSignal): Promise<NarInfo[]> {
    const unknown = paths.filter((path) => this.#infos.get(path) === undefined);
    const found = unknown.length === 0 ? new Map<StorePath, NarInfo>() : await this.#sources.narInfos(unknown, signal);
    for (const [path, info] of found) this.#infos.set(path, info);
    return paths.map((path) => {
      const info = found.get(path) ?? this.#infos.get(path);
      if (info === undefined) throw missingInput(path, neededBy);
      return info;
    });
  }

  /**
   * @throws {Refusal} DROVER_INPUT_MISSING, DROVER_DERIVATION_SYNTAX, DROVER_NAR_…
   */
  async derivation(path: StorePath, neededBy: StorePath, signal: AbortSignal): Promise<Derivation> {
    const [info] = await this.infos([path], neededBy, signal);
    if (info === undefined) throw missingInput(path, neededBy);
    try {
      const bytes = await readSingleFileNar(this.openNar(info, signal), maximumDerivationBytes);
      const derivation = parseDerivation(bytes, path);
      this.#outputs.set(path, new Map([...derivation.outputs].map(([name, output]) => [name, output.path])));
      return derivation;
    } catch (error) {
      throw refusalOf(error);
    }
  }

  /** The outputs of a derivation by name; "" where the path is not known before the build. */
  async outputs(path: StorePath, neededBy: StorePath, signal: AbortSignal): Promise<ReadonlyMap<string, StorePath>> {
    const known = this.#outputs.get(path);
    if (known !== undefined) return known;
    const { outputs } = await this.derivation(path, neededBy, signal);
    return new Map([...outputs].map(([name, output]) => [name, output.path]));
  }

  /** The NAR, checked while it streams. If it turns out to be gone, the path counts as unknown again. */
  async *openNar(info: NarInfo, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#sources.openNar(info, signal);
    } catch (error) {
      this.#infos.forget(info.storePath);
      throw error;
    }
  }
}
