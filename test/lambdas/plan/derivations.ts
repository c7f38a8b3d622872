import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { directoryBlobs } from "../../../cloud/blobs/directory.ts";
import { droverCache } from "../../../cloud/binary-cache/drover-cache.ts";
import type { BinaryCache, NarSource, PathDescription } from "../../../cloud/ports/binary-cache.ts";
import { parseDerivation } from "../../../nix/derivation/parse.ts";
import type { Derivation } from "../../../nix/derivation/types.ts";
import { type NarInfo, parseNarInfo } from "../../../nix/narinfo.ts";
import { generateSigningKey, parseSecretKey } from "../../../nix/signing.ts";
import { type StorePath, storePathHash, storePathName } from "../../../nix/store-path.ts";
import { mustRun } from "../../machines/run-command.ts";
import { type TextObject, textObject } from "../api/store-objects.ts";

/** Derivations that the real Nix has made, in a store of their own. */
export interface Derivations extends AsyncDisposable {
  /** The one of this name. */
  drv(name: string): StorePath;
  id(name: string): string;
  read(name: string): Promise<Derivation>;
  /** Store path of an output. */
  output(name: string, output?: string): Promise<StorePath>;
  /** Everything of the closures, with where the NAR is. */
  readonly closure: readonly (NarInfo & { readonly file: string })[];
  /** All of it as Nix has copied it into a binary cache, without an upload of each. */
  readonly source: NarSource;
  /** Nix's own words, for what is special to a test. */
  nix(program: string, ...args: string[]): Promise<string>;
  readonly directory: string;
}

/** @param expression a Nix expression with all derivations that the tests want */
export async function instantiate(expression: string): Promise<Derivations> {
  const directory = await mkdtemp(join(tmpdir(), "drover-plan-"));
  await mkdir(join(directory, "home"));
  const env = {
    PATH: process.env["PATH"],
    HOME: join(directory, "home"),
    NIX_CONF_DIR: directory,
    NIX_CONFIG: "experimental-features = nix-command ca-derivations\nsubstituters =\nbuild-users-group =\n",
  };
  const store = ["--store", `local?root=${join(directory, "root")}`];
  const nix = (program: string, ...args: string[]) => mustRun(program, [...args, ...store], { env });
  await writeFile(join(directory, "source"), "echo hello > $out\n");
  await writeFile(join(directory, "graph.nix"), expression);
  const targets = (await nix("nix-instantiate", join(directory, "graph.nix"))).trim().split("\n");
  const copied = join(directory, "copied");
  await nix("nix", "copy", "--derivation", "--to", `file://${copied}?compression=none`, ...targets);

  const narInfos = (await readdir(copied)).filter((file) => file.endsWith(".narinfo"));
  const closure = await Promise.all(
    narInfos.map(async (file) => {
      const info = parseNarInfo(await readFile(join(copied, file), "utf8"));
      return { ...info, file: join(copied, info.url) };
    }),
  );
  const byName = new Map(closure.map(({ storePath }) => [storePathName(storePath), storePath]));
  const derivations: Derivations = {
    directory,
    closure,
    source: cacheIn(copied).cache,
    nix,
    drv(name) {
      const path = byName.get(`${name}.drv`);
      if (path === undefined) throw new Error(`there is no derivation ${name}`);
      return path;
    },
    id: (name) => storePathHash(derivations.drv(name)),
    read: async (name) => parseDerivation(await readFile(`${join(directory, "root")}${derivations.drv(name)}`)),
    async output(name, output = "out") {
      const path = (await derivations.read(name)).outputs.get(output)?.path;
      if (path === undefined) throw new Error(`${name} has no output ${output}`);
      return path;
    },
    async [Symbol.asyncDispose]() {
      await makeWritable(directory);
      await rm(directory, { recursive: true });
    },
  };
  return derivations;
}

/** A binary cache in a directory, with a key of its own. */
export interface DirectoryCache extends AsyncDisposable {
  readonly cache: BinaryCache;
  /** Uploads what Nix has made, as a client does. */
  upload(paths: readonly (NarInfo & { readonly file: string })[]): Promise<void>;
  uploadText(...objects: TextObject[]): Promise<void>;
  /** Makes these paths valid; what is in them is of no account. */
  addOutputs(...paths: StorePath[]): Promise<void>;
}

export async function openDirectoryCache(): Promise<DirectoryCache> {
  const directory = await mkdtemp(join(tmpdir(), "drover-plan-cache-"));
  const { blobs, cache } = cacheIn(directory);
  const put = (nar: Uint8Array, path: PathDescription) =>
    blobs.put(`nar/${path.narHash.slice("sha256:".length)}.nar`, nar, { contentType: "application/x-nix-nar" });
  return {
    cache,
    async upload(paths) {
      for (const path of paths) await put(await readFile(path.file), path);
      await cache.registerUploads(paths);
    },
    async uploadText(...objects) {
      for (const { nar, description } of objects) await put(nar, description);
      await cache.registerUploads(objects.map(({ description }) => description));
    },
    async addOutputs(...paths) {
      const { nar, description } = await textObject("anything", "anything");
      for (const storePath of paths) {
        const path = { ...description, storePath, references: [], ca: undefined, signatures: [] };
        await cache.addOutput(path, async function* () {
          yield nar;
        });
      }
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}

function cacheIn(directory: string) {
  const key = parseSecretKey(generateSigningKey("plan-1").secret);
  const blobs = directoryBlobs({ directory, url: "http://127.0.0.1", secret: async () => Buffer.alloc(32, 1) });
  return { blobs, cache: droverCache({ blobs, signingKey: async () => key, upstreams: [] }) };
}

/** Nix makes its paths read-only. */
async function makeWritable(directory: string): Promise<void> {
  await chmod(directory, 0o700);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) await makeWritable(join(directory, entry.name));
  }
}
