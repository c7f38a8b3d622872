import { DroverError } from "../../nix/drover-error.ts";
import type { NarInfo } from "../../nix/narinfo.ts";
import type { StorePath } from "../../nix/store-path.ts";
import type { NarSource } from "../ports/binary-cache.ts";
import type { ByteStream } from "../ports/blobs.ts";

/** Several sources as one. For each path the first that has it counts; later ones are not even asked about it. */
export function layeredSource(sources: readonly NarSource[]): NarSource {
  const origins = new WeakMap<NarInfo, NarSource>();

  return {
    name: sources.map(({ name }) => name).join(", "),

    async narInfos(paths, signal) {
      const missing = new Set(paths);
      const found = new Map<StorePath, NarInfo>();
      for (const source of sources) {
        if (missing.size === 0) break;
        for (const [path, info] of await source.narInfos(missing, signal)) {
          origins.set(info, source);
          found.set(path, info);
          missing.delete(path);
        }
      }
      return found;
    },

    async *openNar(info, signal): ByteStream {
      const origin = origins.get(info);
      if (origin === undefined) {
        throw new DroverError("DROVER_NAR_GONE", `${info.storePath} is described by none of ${this.name}`, {
          subject: info.storePath,
          remedy: "Look the path up again: a narinfo is only good for the cache that it came from.",
        });
      }
      yield* origin.openNar(info, signal);
    },
  };
}
