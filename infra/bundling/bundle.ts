import { mkdir, readdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type BuildOptions, type Metafile, type Plugin } from "esbuild";
import { builtinModules } from "./builtin-modules.ts";
import { plainSchemaKeys } from "./plain-schema-keys.ts";

/** The repository. */
export const root = fileURLToPath(new URL("../..", import.meta.url));

export interface Bundle {
  /** What is deployed: `index.mjs` and what it loads. */
  readonly directory: string;
  /** Of all that is in the directory, in bytes. */
  readonly size: number;
  /** esbuild's account of what made it so large; paths are relative to the repository. */
  readonly metafile: Metafile;
}

export interface BundleOptions {
  /** What is bundled: paths relative to the repository, in the order in which they are loaded. */
  readonly modules: readonly string[];
  /** Must be empty or absent. */
  readonly directory: string;
  /** Where the source maps go, under the same names as the files that they explain. */
  readonly sourceMaps: string;
  readonly plugins?: readonly Plugin[];
}

/**
 * Bundles modules and all that they import, so that no `node_modules` is needed: into `index.mjs`, and pieces that are
 * loaded only when somebody asks for them (mostly the SDK's ways to credentials that nobody goes in Lambda). The same
 * sources always give the same bytes.
 *
 * It is minified, because V8 reads all of it at a cold start. The source maps, three times as large as the code, are
 * not deployed: whoever has a stack trace and the same commit has them by bundling again.
 */
export async function bundle({ modules, directory, sourceMaps, plugins = [] }: BundleOptions): Promise<Bundle> {
  const { metafile } = await build({
    ...options,
    stdin: {
      contents: modules.map((module) => `export * from "./${module}";`).join("\n"),
      resolveDir: root,
      sourcefile: "entry",
    },
    outdir: directory,
    plugins: [builtinModules, plainSchemaKeys, ...plugins],
  });
  await mkdir(sourceMaps, { recursive: true });
  let size = 0;
  for (const file of await readdir(directory)) {
    if (file.endsWith(".map")) await rename(join(directory, file), join(sourceMaps, file));
    else size += (await stat(join(directory, file))).size;
  }
  return { directory, size, metafile };
}

const options = {
  absWorkingDir: root,
  entryNames: "index",
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
