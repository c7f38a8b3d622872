import type { Plugin } from "esbuild";

const prefix = "entry:";

/** As esbuild is told of an entry point. */
export function entry(name: string): string {
  return prefix + name;
}

/**
 * Entry points that are no files: each loads some modules, in their order, and exports what they export.
 *
 * @param modules by the entry point's name; paths relative to `root`
 */
export function entryPoints(modules: Readonly<Record<string, readonly string[]>>, root: string): Plugin {
  const namespace = "entry";
  return {
    name: "entry-points",
    setup(build) {
      build.onResolve({ filter: /^entry:/ }, ({ path }) => ({ path: path.slice(prefix.length), namespace }));
      build.onLoad({ filter: /.*/, namespace }, ({ path }) => ({
        contents: (modules[path] ?? []).map((module) => `export * from "./${module}";`).join("\n"),
        resolveDir: root,
      }));
    },
  };
}
