import { spawn } from "node:child_process";
import { once } from "node:events";
import type { BinaryCache, NarSource, PathDescription } from "../../../cloud/ports/binary-cache.ts";
import { DroverError } from "../../../nix/drover-error.ts";
import { verifiedNar } from "../../../nix/nar/verify.ts";
import type { NarInfo } from "../../../nix/narinfo.ts";
import { writeNar } from "../../../nix/nar/write.ts";
import { sha256 } from "../../../nix/hash.ts";
import { encodeNix32 } from "../../../nix/nix32.ts";
import type { StorePath } from "../../../nix/store-path.ts";
import type { Client } from "../../machines/client.ts";

/** What a client has in its own store, as the caches would have it once it was uploaded. */
export class ClientStore implements NarSource {
  readonly name = "the client's store";
  /** How often each NAR was asked for. */
  readonly opened = new Map<StorePath, number>();
  readonly #client: Client;
  readonly #infos = new Map<StorePath, NarInfo>();

  constructor(client: Client) {
    this.#client = client;
  }

  async narInfos(paths: Iterable<StorePath>): Promise<Map<StorePath, NarInfo>> {
    const found = new Map<StorePath, NarInfo>();
    for (const path of paths) {
      const info = this.#infos.get(path) ?? (await this.#read(path));
      if (info !== undefined) found.set(path, info);
    }
    return found;
  }

  async *openNar(info: NarInfo): AsyncGenerator<Uint8Array> {
    const { storePath } = info;
    this.opened.set(storePath, (this.opened.get(storePath) ?? 0) + 1);
    const dump = spawn("nix-store", ["--dump", this.#client.realPath(storePath)], {
      env: this.#client.environment,
      stdio: ["ignore", "pipe", "ignore"],
    });
    yield* verifiedNar(dump.stdout, { ...info, subject: storePath });
    if (dump.exitCode === null) await once(dump, "exit");
  }

  async #read(path: StorePath): Promise<NarInfo | undefined> {
    const query = async (flag: string) => await this.#client.run("nix-store", ["--query", flag, path]);
    const [hash, size, references] = await Promise.all(["--hash", "--size", "--references"].map(query));
    if (hash?.code !== 0) return undefined;
    const info: NarInfo = {
      storePath: path,
      url: "",
      compression: "none",
      narHash: hash.stdout.trim(),
      narSize: Number(size?.stdout),
      references: (references?.stdout ?? "").split("\n").filter((line) => line !== ""),
      signatures: [],
    };
    this.#infos.set(path, info);
    return info;
  }
}

/** A derivation file that no client ever had, as a store with nothing else in it. */
export async function madeUp(path: StorePath, contents: string): Promise<NarSource & { info: NarInfo }> {
  const bytes = Buffer.from(contents, "latin1");
  const chunks: Uint8Array[] = [];
  async function* pieces() {
    yield bytes;
  }
  const file = { type: "regular", executable: false, size: bytes.length, contents: pieces() } as const;
  for await (const chunk of writeNar([file])) chunks.push(chunk);
  const nar = Buffer.concat(chunks);
  const info: NarInfo = {
    storePath: path,
    url: "",
    compression: "none",
    narHash: `sha256:${encodeNix32(sha256(nar))}`,
    narSize: nar.length,
    references: [],
    signatures: [],
  };
  return {
    name: "made up",
    info,
    narInfos: async (paths) => new Map([...paths].filter((each) => each === path).map((each) => [each, info])),
    async *openNar() {
      yield nar;
    },
  };
}

/** A binary cache in memory; what is above a megabyte is checked and counted, and not kept. */
export class MemoryCache implements BinaryCache {
  readonly name = "memory";
  readonly infos = new Map<StorePath, NarInfo>();
  readonly order: StorePath[] = [];
  readonly #nars = new Map<StorePath, Buffer>();

  async narInfos(paths: Iterable<StorePath>): Promise<Map<StorePath, NarInfo>> {
    const found = new Map<StorePath, NarInfo>();
    for (const path of paths) {
      const info = this.infos.get(path);
      if (info !== undefined) found.set(path, info);
    }
    return found;
  }

  async *openNar({ storePath }: NarInfo): AsyncGenerator<Uint8Array> {
    const nar = this.#nars.get(storePath);
    if (nar === undefined) throw new DroverError("DROVER_NAR_GONE", `${storePath} is gone`, { subject: storePath });
    yield nar;
  }

  async addOutput(path: PathDescription, nar: () => AsyncIterable<Uint8Array>): Promise<void> {
    if (this.infos.has(path.storePath)) return;
    const kept: Uint8Array[] = [];
    for await (const chunk of verifiedNar(nar(), { ...path, subject: path.storePath })) {
      if (path.narSize <= 1 << 20) kept.push(chunk);
    }
    this.#nars.set(path.storePath, Buffer.concat(kept));
    this.infos.set(path.storePath, { ...path, url: "", compression: "none" });
    this.order.push(path.storePath);
  }

  async signUpload(): Promise<never> {
    throw new Error("not asked for here");
  }

  async registerUploads(): Promise<never> {
    throw new Error("not asked for here");
  }

  async signDownload(): Promise<never> {
    throw new Error("not asked for here");
  }
}

/** Several sources as one; the first that has a path gives it. */
export function together(...sources: readonly NarSource[]): NarSource {
  const owners = new Map<StorePath, NarSource>();
  return {
    name: "all",
    async narInfos(paths) {
      const found = new Map<StorePath, NarInfo>();
      for (const source of sources) {
        const left = [...paths].filter((path) => !found.has(path));
        for (const [path, info] of await source.narInfos(left)) {
          found.set(path, info);
          owners.set(path, source);
        }
      }
      return found;
    },
    openNar(info, signal) {
      const owner = owners.get(info.storePath);
      if (owner === undefined) throw new Error(`${info.storePath} was never looked up`);
      return owner.openNar(info, signal);
    },
  };
}

/** Keeps a log as one text. */
export class MemoryLog {
  text = "";

  write(bytes: Uint8Array): void {
    this.text += Buffer.from(bytes).toString("utf8");
  }

  lastLines(count: number): string[] {
    return this.text.replace(/\n$/, "").split("\n").slice(-count);
  }
}
