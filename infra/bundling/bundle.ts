import { copyFile, mkdir, mkdtempDisposable, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type BuildOptions, type Plugin } from "esbuild";
import { keysOf, mapRecord } from "../map-record.ts";
import { builtinModules } from "./builtin-modules.ts";
import { entry, entryPoints } from "./entry-points.ts";
import { plainSchemaKeys } from "./plain-schema-keys.ts";
import { filesOf } from "./files-of.ts";

/** The repository. */
export const root = fileURLToPath(new URL("../..", import.meta.url));

export interface Bundle {
  /** What is deployed: `index.mjs` and what it loads. */
  readonly directory: string;
  /** Of all that is in the directory, in bytes. */
  readonly size: number;
}

export interface BundleOptions {
  /** What is bundled: paths relative to the repository, in the order in which they are loaded. */
  readonly modules: readonly string[];
  /** Must be empty or absent. */
  readonly directory: string;
  /** Where the source maps go, under the same names as the files that they explain. */
  readonly sourceMaps: string;
}

/**
 * Bundles modules and all that they import, so that no `node_modules` is needed: each bundle into a directory of its
 * own, with `index.mjs` and the pieces that it loads, some of them only when somebody asks for them (mostly the SDK's
 * ways to credentials that nobody goes in Lambda). esbuild reads and minifies once what several bundles share. The same
 * sources always give the same bytes.
 *
 * It is minified, because V8 reads all of it at a cold start. The source maps, three times as large as the code, are
 * not deployed: whoever has a stack trace and the same commit has them by bundling again.
 */
export async function bundleEach<Name extends string>(
  wanted: Readonly<Record<Name, BundleOptions>>,
  plugins: readonly Plugin[] = [],
): Promise<Readonly<Record<Name, Bundle>>> {
  await using together = await mkdtempDisposable(join(tmpdir(), "drover-bundling-"));
  const modules = mapRecord(wanted, (_, each) => each.modules);
  const { metafile } = await build({
    ...options,
    entryPoints: mapRecord(modules, entry),
    outdir: together.path,
    plugins: [entryPoints(modules, root), builtinModules, plainSchemaKeys, ...plugins],
  });
  const sizes = new Map<string, number>();
  for (const name of keysOf(wanted)) {
    const files = filesOf(metafile, `${name}.mjs`);
    sizes.set(name, await separate(together.path, name, files, wanted[name]));
  }
  return mapRecord(wanted, (name, { directory }) => ({ directory, size: sizes.get(name) ?? 0 }));
}

/** One bundle alone. */
export async function bundle(wanted: BundleOptions, plugins: readonly Plugin[] = []): Promise<Bundle> {
  return (await bundleEach({ index: wanted }, plugins)).index;
}

/** Copies one bundle out of all. @returns its size in bytes */
async function separate(
  together: string,
  name: string,
  files: readonly string[],
  { directory, sourceMaps }: BundleOptions,
): Promise<number> {
  await Promise.all([directory, sourceMaps].map((each) => mkdir(each, { recursive: true })));
  let size = 0;
  for (const file of files) {
    // Nobody imports an entry point, so that it can have another name.
    const deployed = file === `${name}.mjs` ? "index.mjs" : file;
    await copyFile(join(together, file), join(directory, deployed));
    await copyFile(join(together, `${file}.map`), join(sourceMaps, `${deployed}.map`));
    size += (await stat(join(directory, deployed))).size;
  }
  return size;
}

const options = {
  absWorkingDir: root,
  entryNames: "[name]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]",
  outExtension: { ".js": ".mjs" },
  bundle: true,
  splitting: true,
  platform: "node",
  target: "node24",
  format: "esm",
  // Of packages that have both, the ES modules: only of them can esbuild leave out what nobody uses.
  mainFields: ["module", "main"],
  minify: true,
  sourcemap: "external",
  sourcesContent: false,
  metafile: true,
  legalComments: "none",
  logLevel: "warning",
  // An error that ends the process is shown with its line.
  lineLimit: 200,
  // What packages that are CommonJS expect, and an ES module does not have.
  banner: {
    js: [
      'import{createRequire as createRequireOfBundle}from"node:module";',
      "const require=createRequireOfBundle(import.meta.url),__dirname=import.meta.dirname,__filename=import.meta.filename;",
    ].join(""),
  },
} as const satisfies BuildOptions;
