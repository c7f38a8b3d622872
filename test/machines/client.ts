import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type CommandOptions, mustRun, type Outcome, programPath, runCommand } from "./run-command.ts";

export interface ClientOptions {
  /** Where its store, configuration and home are; made when missing. */
  readonly directory: string;
  /** Lines for nix.conf, after those that are always there. @default none */
  readonly extraConf?: string;
}

export type NixArguments = Readonly<Record<string, string | number | boolean>>;

/** Somebody's own Nix: commands that run with `environment` never touch the host's store or configuration. */
export interface Client {
  readonly directory: string;
  /** The whole environment that makes plain `nix-store …`, `nix-instantiate …` and `nix …` use this store. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where the files of a store path are on the host: paths in the store are named /nix/store/… all the same. */
  realPath(storePath: string): string;
  /** Runs a program to its end, whatever its exit status. */
  run(file: string, args: readonly string[], options?: Omit<CommandOptions, "env">): Promise<Outcome>;
  /** Runs a program that has to succeed; its standard output. */
  mustRun(file: string, args: readonly string[], options?: Omit<CommandOptions, "env">): Promise<string>;
  /**
   * The store paths of the derivations that an attribute of a Nix file has, in order.
   * @param args strings become `--argstr`, numbers and booleans `--arg`
   */
  instantiate(file: string, attribute: string, args?: NixArguments): Promise<string[]>;
}

/** The file with derivations of every kind; its arguments are described there. */
export const derivationsFile = join(import.meta.dirname, "derivations.nix");

/**
 * Makes a private Nix client in a directory, for any user. Its store is a "chroot store": named /nix/store/… like
 * everyone's, so that paths are the same as on machines, but kept in the directory. Building in such a store needs
 * Nix's sandbox, which a plain user has where the kernel admits user namespaces.
 */
export async function createClient(options: ClientOptions): Promise<Client> {
  const directory = resolve(options.directory);
  const environment = {
    PATH: programPath,
    HOME: join(directory, "home"),
    NIX_REMOTE: join(directory, "root"), // a path here is the root of a local store (Nix: openStore, since 2.4)
    NIX_CONF_DIR: join(directory, "conf"),
    NIX_USER_CONF_FILES: "",
    TMPDIR: join(directory, "tmp"),
  };
  const folders = [environment.HOME, environment.NIX_REMOTE, environment.NIX_CONF_DIR, environment.TMPDIR];
  for (const folder of folders) await mkdir(folder, { recursive: true });
  const conf = [
    "experimental-features = nix-command",
    "build-users-group =",
    "sandbox = true",
    "sandbox-paths = /bin? /usr? /lib? /lib64?",
    "substitute = false",
    options.extraConf ?? "",
    "",
  ];
  await writeFile(join(environment.NIX_CONF_DIR, "nix.conf"), conf.join("\n"));

  // Two first commands at once would both make the store's directories, and one of them would fail.
  await mustRun("nix-store", ["--init"], { env: environment });

  const client: Client = {
    directory,
    environment,
    realPath: (storePath) => join(environment.NIX_REMOTE, storePath),
    run: (file, args, more) => runCommand(file, args, { ...more, env: environment }),
    mustRun: (file, args, more) => mustRun(file, args, { ...more, env: environment }),
    async instantiate(file, attribute, args = {}) {
      const flags = Object.entries(args).flatMap(([name, value]) =>
        typeof value === "string" ? ["--argstr", name, value] : ["--arg", name, String(value)],
      );
      const printed = await client.mustRun("nix-instantiate", [file, "--attr", attribute, ...flags]);
      return printed.split("\n").filter((line) => line !== "");
    },
  };
  return client;
}
