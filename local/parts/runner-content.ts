import { execFile } from "node:child_process";
import { cp, mkdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { DroverError } from "../../nix/drover-error.ts";

const nodeModules = fileURLToPath(new URL("../../node_modules", import.meta.url));

/** Compiled by npm for this machine, as the Dockerfile's first stage does for the image's platform. */
const ciphers = join(nodeModules, "ssh2/lib/protocol/crypto/build/Release/sshcrypto.node");

/**
 * Does what `runner/Dockerfile` does, without Docker: assembles from the image's context what it puts into the image,
 * with this checkout's `node_modules` in place of those of its `npm ci`.
 *
 * @param scratch is emptied; keeps the content and its source maps
 * @returns the file that the image's ENTRYPOINT starts
 * @throws {DroverError} DROVER_RUNNER_CONTENT
 */
export async function assembleRunnerContent(context: string, scratch: string): Promise<string> {
  const build = join(scratch, "build");
  const content = join(scratch, "drover");
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true });
  await cp(context, build, { recursive: true });
  await symlink(nodeModules, join(build, "node_modules"));
  try {
    const program = join(build, "infra/bundling/assemble-runner.ts");
    await promisify(execFile)(process.execPath, [program, content, ciphers], { cwd: build, env: {} });
  } catch (cause) {
    const said = Object(cause).stderr ?? cause;
    throw new DroverError("DROVER_RUNNER_CONTENT", `The runner can not be assembled from ${context}: ${said}`, {
      subject: context,
      remedy: "Synthesize again with `npm run synth`, in the same checkout, with its dependencies installed.",
      cause,
    });
  }
  await rm(build, { recursive: true });
  return join(content, "index.mjs");
}
