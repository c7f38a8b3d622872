import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type NarInfo, parseNarInfo } from "../../../nix/narinfo.ts";
import { generateSigningKey } from "../../../nix/signing.ts";
import { storePathHash, type StorePath } from "../../../nix/store-path.ts";
import type { PathDescription } from "../../../cloud/ports/binary-cache.ts";
import { mustRun, type Outcome, runCommand } from "../../machines/run-command.ts";

interface NixSettings {
  /** @default none */
  readonly trustedPublicKeys?: readonly string[];
}

/** Real Nix with stores of its own in a temporary directory; paths are `/nix/store/…` all the same. */
export interface RealNix extends AsyncDisposable {
  readonly directory: string;
  /** The key with which `cache` signs. */
  readonly publicKey: string;
  run(args: readonly string[], settings?: NixSettings): Promise<Outcome>;
  /** What somebody has in his store: a derivation, the derivation it needs, and the latter's script. */
  readonly closure: { top: StorePath; needed: StorePath; script: StorePath; large: StorePath };
  /** The NAR of a path of the store, as Nix writes it. */
  nar(path: StorePath): Promise<Buffer>;
  /** All that Nix says of a path of its store. */
  describe(path: StorePath): Promise<PathDescription>;
  /** Makes a binary cache of paths as Nix does. @returns its directory */
  cache(name: string, parameters: string, paths: readonly StorePath[]): Promise<string>;
}

const expression = (script: string): string => `
  let
    make = name: needed: derivation {
      inherit name needed;
      system = "x86_64-linux";
      builder = "/bin/sh";
      args = [ ${script} ];
    };
  in make "top" (make "needed" null)`;

export async function openRealNix(): Promise<RealNix> {
  const directory = await mkdtemp(join(tmpdir(), "drover-real-nix-"));
  const root = join(directory, "root");
  const key = generateSigningKey("somebody-1");
  await writeFile(join(directory, "secret-key"), key.secret);
  await mkdir(join(directory, "home"));
  const environment = ({ trustedPublicKeys = [] }: NixSettings) => ({
    PATH: process.env["PATH"],
    HOME: join(directory, "home"),
    NIX_CONF_DIR: directory,
    NIX_CONFIG: [
      "experimental-features = nix-command",
      "substituters =",
      "require-sigs = true",
      `trusted-public-keys = ${trustedPublicKeys.join(" ")}`,
      "build-users-group =",
      "sandbox = false",
    ].join("\n"),
  });
  const store = ["--store", `local?root=${root}`];
  const must = async (program: string, args: readonly string[]) =>
    (await mustRun(program, [...args, ...store], { env: environment({}) })).trim();

  await writeFile(join(directory, "script"), "echo hello > $out\n");
  await writeFile(join(directory, "large"), pattern(1_000_000));
  const script = await must("nix-store", ["--add", join(directory, "script")]);
  const large = await must("nix-store", ["--add", join(directory, "large")]);
  const top = await must("nix-instantiate", ["-E", expression(join(directory, "script"))]);
  const needed = (await must("nix-store", ["--query", "--references", top]))
    .split("\n")
    .find((path) => path.endsWith("-needed.drv"));
  if (needed === undefined) throw new Error("nix-instantiate made something else");

  const nix: RealNix = {
    directory,
    publicKey: key.public,
    closure: { top, needed, script, large },
    run: (args, settings = {}) => runCommand(args[0] ?? "", args.slice(1), { env: environment(settings) }),
    async nar(path) {
      // Not by `must`: a NAR is no text.
      const file = join(directory, `${storePathHash(path)}.nar`);
      const command = `exec nix-store --dump "${root}${path}" > "${file}"`;
      await mustRun("sh", ["-c", command], { env: environment({}) });
      return await readFile(file);
    },
    async describe(path) {
      const cache = await nix.cache("described", "compression=none", [path]);
      const { storePath, narHash, narSize, references, deriver, ca, signatures } = await narInfoIn(cache, path);
      return { storePath, narHash, narSize, references, signatures, ...(deriver && { deriver }), ...(ca && { ca }) };
    },
    async cache(name, parameters, paths) {
      const made = join(directory, name);
      const to = `file://${made}?${parameters}&secret-key=${join(directory, "secret-key")}`;
      // Without the flag it is a derivation's outputs that are copied, with it only derivations are.
      for (const path of paths) {
        await must("nix", ["copy", ...(path.endsWith(".drv") ? ["--derivation"] : []), "--to", to, path]);
      }
      return made;
    },
    async [Symbol.asyncDispose]() {
      await makeWritable(directory);
      await rm(directory, { recursive: true });
    },
  };
  return nix;
}

export async function narInfoIn(cache: string, path: StorePath): Promise<NarInfo> {
  return parseNarInfo(await readFile(join(cache, `${storePathHash(path)}.narinfo`), "utf8"));
}

/** Bytes that compress a little, as programs do. */
function pattern(size: number): Buffer {
  let state = 12345;
  return Buffer.from(
    Uint8Array.from({ length: size }, () => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 16) & 0x3f;
    }),
  );
}

/** Nix makes its paths read-only. */
async function makeWritable(directory: string): Promise<void> {
  await chmod(directory, 0o700);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) await makeWritable(join(directory, entry.name));
  }
}
