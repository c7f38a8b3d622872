import type { Plugin } from "esbuild";

/**
 * Loads `node:http` and `node:https` in a way that does not read all of their properties. An `import` does so, as it
 * makes an ES module of them, and one property of `node:http` is a getter that loads the whole of undici: at every cold
 * start, also where nobody calls `fetch`.
 */
export const builtinModules: Plugin = {
  name: "builtin-modules",
  setup(build) {
    const namespace = "builtin-module";
    build.onResolve({ filter: /^(node:)?https?$/ }, ({ path }) => ({
      path: path.replace(/^node:/, ""),
      namespace,
      sideEffects: false,
    }));
    build.onLoad({ filter: /.*/, namespace }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule("node:${path}");`,
      loader: "js",
    }));
  },
};
