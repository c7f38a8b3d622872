import { chmod, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A directory as a function or a container has it: nothing in it, and no `node_modules` anywhere above. */
export async function emptyDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "drover-bundling-"));
  // A runner that is not this user has to find its files in it.
  await chmod(path, 0o755);
  for (let above = path; above !== dirname(above); above = dirname(above)) {
    const modules = join(above, "node_modules");
    if (await exists(modules)) throw new Error(`${modules} would hide what a bundle lacks`);
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
