import type { Plugin } from "esbuild";

/**
 * Lets ssh2 find its native ciphers beside the bundle. It looks for them in a folder of its package, and goes on
 * without when they are not there; so does it with cpu-features, which it asks only for the order of ciphers that the
 * runner gives itself.
 */
export const nativeCiphers: Plugin = {
  name: "native-ciphers",
  setup(build) {
    build.onResolve({ filter: /[\\/]sshcrypto\.node$/ }, () => ({ path: "./sshcrypto.node", external: true }));
    build.onResolve({ filter: /^cpu-features$/ }, ({ path }) => ({ path, external: true }));
  },
};
