import type { BinaryCache, PathDescription } from "../../cloud/ports/binary-cache.ts";
import type { BuiltOutput } from "../../fleet/attempt.ts";
import { DroverError } from "../../nix/drover-error.ts";
import type { ServePathInfo } from "../../nix/serve/path-info.ts";
import type { StorePath } from "../../nix/store-path.ts";
import { MachineError } from "../machines/machine-error.ts";
import type { ServeSession } from "../machines/serve-session.ts";

/**
 * Streams what was built into the binary cache. When this returns the outputs are there for good (invariant 5).
 *
 * @throws {MachineError} when the machine does not give what it said it has; whatever the cache throws
 */
export async function storeOutputs(
  outputs: ReadonlyMap<string, StorePath>,
  {
    session,
    machine,
    drvPath,
    cache,
    signal,
  }: {
    readonly session: ServeSession;
    readonly machine: string;
    readonly drvPath: StorePath;
    readonly cache: BinaryCache;
    readonly signal: AbortSignal;
  },
): Promise<BuiltOutput[]> {
  const infos = await session.talk((nix) => nix.queryPathInfos(outputs.values(), { signal }));
  const described = [...outputs].map(([name, path]) => {
    const info = infos.get(path);
    if (info?.narHash === undefined) throw missingOutput(machine, path);
    return { name, path: describe(path, info, info.narHash, drvPath) };
  });
  for (const { path } of referencesFirst(described)) {
    let sessionFailure: unknown;
    async function* dump(): AsyncGenerator<Uint8Array> {
      try {
        yield* session.listen((nix) => nix.dumpStorePath(path.storePath, path.narSize, { signal }));
      } catch (error) {
        sessionFailure = error;
        throw error;
      }
    }
    try {
      await cache.addOutput(path, dump, signal);
    } catch (error) {
      throw sessionFailure ?? blame(machine, error);
    }
  }
  return described.map(({ name, path: { storePath, narHash, narSize } }) => ({
    name,
    path: storePath,
    narHash,
    narSize,
  }));
}

function describe(path: StorePath, info: ServePathInfo, narHash: string, drvPath: StorePath): PathDescription {
  const { references, narSize, ca, signatures } = info;
  return {
    storePath: path,
    narHash,
    narSize,
    references,
    deriver: drvPath,
    signatures,
    ...(ca !== undefined && { ca }),
  };
}

/** Outputs refer to each other, at most in one direction: Nix refuses cycles between outputs. */
function referencesFirst<T extends { readonly path: PathDescription }>(outputs: readonly T[]): T[] {
  const left = new Set(outputs);
  const ordered: T[] = [];
  while (left.size > 0) {
    const paths = new Set([...left].map(({ path }) => path.storePath));
    const free = [...left].filter(({ path }) =>
      path.references.every((reference) => reference === path.storePath || !paths.has(reference)),
    );
    for (const output of free.length > 0 ? free : left) {
      ordered.push(output);
      left.delete(output);
    }
  }
  return ordered;
}

/** Bytes that are not those of the hash that the machine itself gave are its fault; all else is the cache's. */
function blame(machine: string, error: unknown): unknown {
  if (!(error instanceof DroverError) || !["DROVER_NAR_HASH", "DROVER_NAR_SIZE"].includes(error.code)) return error;
  return new MachineError(error.code, `${machine} sent other bytes than it has registered: ${error.message}`, {
    subject: machine,
    remedy: "Repair the machine's store: nix-store --verify --check-contents --repair",
    cause: error,
  });
}

function missingOutput(machine: string, path: StorePath): MachineError {
  return new MachineError("DROVER_OUTPUT_MISSING", `${machine} says that it built ${path}, but does not have it`, {
    subject: machine,
    remedy: "Check that nothing deletes from the machine's store; nix-store --verify on the machine may help.",
  });
}
