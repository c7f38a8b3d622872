import { copyFile, chmod, stat } from "node:fs/promises";
import { join } from "node:path";
import { DroverError } from "../../nix/drover-error.ts";
import { type Bundle, bundle, root } from "./bundle.ts";
import { nativeCiphers } from "./native-ciphers.ts";

export interface RunnerContent {
  /** An empty directory, which becomes the image's `/drover`. */
  readonly directory: string;
  readonly sourceMaps: string;
  /**
   * ssh2's ciphers, compiled for the image's platform.
   *
   * @default those that npm has compiled here
   */
  readonly ciphers?: string;
}

/**
 * Assembles all that the runner's image adds to its base: `index.mjs`, which `node` starts and which needs no
 * `node_modules`; `sshcrypto.node`, ssh2's native ciphers (without them it is half as fast); and `healthy`, which tells
 * whether the runner is in touch with its queues.
 *
 * @throws {DroverError} DROVER_CIPHERS_MISSING
 */
export async function assembleRunner({ directory, sourceMaps, ...options }: RunnerContent): Promise<Bundle> {
  const ciphers = options.ciphers ?? join(root, "node_modules/ssh2/lib/protocol/crypto/build/Release/sshcrypto.node");
  await checkIsThere(ciphers);
  // The first module sees every request of the second.
  const modules = ["infra/bundling/heartbeat.ts", "runner/main.ts"];
  const bundled = await bundle({ modules, directory, sourceMaps }, [nativeCiphers]);
  await copyFile(ciphers, join(directory, "sshcrypto.node"));
  await copyFile(join(root, "infra/bundling/healthy"), join(directory, "healthy"));
  await chmod(join(directory, "healthy"), 0o755);
  const added = await Promise.all(["sshcrypto.node", "healthy"].map((file) => stat(join(directory, file))));
  return { ...bundled, size: added.reduce((sum, file) => sum + file.size, bundled.size) };
}

async function checkIsThere(ciphers: string): Promise<void> {
  try {
    await stat(ciphers);
  } catch (cause) {
    throw new DroverError("DROVER_CIPHERS_MISSING", `ssh2's native ciphers have not been compiled: no ${ciphers}`, {
      subject: ciphers,
      remedy: "Install a C++ compiler and Python, and run: npm rebuild ssh2",
      cause,
    });
  }
}

/** What `runner/Dockerfile` runs: `assemble-runner.ts DIRECTORY CIPHERS`. The source maps stay behind. */
if (import.meta.main) {
  const [directory, ciphers] = process.argv.slice(2);
  if (directory === undefined || ciphers === undefined) throw new Error("usage: assemble-runner.ts DIRECTORY CIPHERS");
  const { size } = await assembleRunner({ directory, sourceMaps: `${directory}.source-maps`, ciphers });
  console.log(`${directory}: ${size} bytes`);
}
