import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type ResolvedMachines, resolveMachines } from "../../../cli/machines/resolve-machines.ts";
import type { MachineRemark } from "../../../lambdas/api/schema/machines.ts";
import { mustRun } from "../../machines/run-command.ts";
import { temporaryDirectory } from "../../machines/temporary-directory.ts";

/** Somebody's home, with real keys and an ssh_config. */
export interface OwnersHome extends AsyncDisposable {
  readonly path: string;
  file(name: string, text: string): Promise<string>;
  /** A key pair. @returns the path of its private half */
  key(name: string, options?: { passphrase?: string; type?: string; format?: string }): Promise<string>;
  /** Resolves a text that stands in a file of the home. */
  resolve(text: string, environment?: NodeJS.ProcessEnv): Promise<ResolvedMachines>;
}

export async function createOwnersHome(sshConfig?: string): Promise<OwnersHome> {
  const directory = await temporaryDirectory();
  const { path } = directory;
  const home: OwnersHome = {
    path,
    async file(name, text) {
      const file = join(path, name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
      return file;
    },
    async key(name, { passphrase = "", type = "ed25519", format = "RFC4716" } = {}) {
      const file = join(path, ".ssh", name);
      await mkdir(dirname(file), { recursive: true });
      await rm(file, { force: true });
      const size = type === "rsa" ? ["-b", "1024"] : [];
      await mustRun("ssh-keygen", ["-q", "-t", type, ...size, "-m", format, "-N", passphrase, "-C", name, "-f", file]);
      return file;
    },
    resolve: (text, environment = {}) =>
      resolveMachines(
        { file: "machines", path: null, folder: path, nixCountsFromRoot: true, text },
        { home: path, environment, signal: AbortSignal.timeout(60_000) },
      ),
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
  await mkdir(join(path, ".ssh"), { mode: 0o700 });
  if (sshConfig !== undefined) await home.file(".ssh/config", sshConfig.replaceAll("$HOME", path));
  return home;
}

/** What `resolve` gives in short: one line a remark. */
export function shortly(remarks: readonly MachineRemark[]): string[] {
  return remarks.map(({ file, line, column, code }) => `${file}:${line}:${column} ${code}`);
}
