import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand } from "./run-command.ts";

/** A new directory; disposing of it deletes it, Nix stores with their read-only directories included. */
export async function temporaryDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "drover-machines-"));
  return { path, [Symbol.asyncDispose]: () => removeTree(path) };
}

/** Directories in a Nix store are read-only; a plain user has to make them writable to delete what is in them. */
export async function removeTree(path: string): Promise<void> {
  if (process.getuid?.() !== 0) await runCommand("chmod", ["-R", "u+w", path]);
  await rm(path, { recursive: true, force: true });
}
