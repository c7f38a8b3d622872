import { execFile, spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { parseDerivation } from "../../../nix/derivation/parse.ts";
import type { Derivation } from "../../../nix/derivation/types.ts";
import { ServeClient, type ServeClientOptions } from "../../../nix/serve/client.ts";

const run = promisify(execFile);

/** A `nix-store --serve --write` and the client that talks to it. */
export interface ServedStore extends AsyncDisposable {
  readonly client: ServeClient;
  readonly process: ChildProcessWithoutNullStreams;
  /** What the process has written to its standard error so far. */
  log(): string;
}

/**
 * A real Nix store in a temporary directory, whose paths are nevertheless `/nix/store/…`. Its builders find the
 * system's shell and coreutils in /bin and /usr/bin.
 */
export class PrivateStore implements AsyncDisposable {
  readonly #directory: string;
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(directory: string) {
    this.#directory = directory;
    this.#environment = { PATH: process.env["PATH"], HOME: directory, NIX_CONF_DIR: join(directory, "conf") };
  }

  static async create(): Promise<PrivateStore> {
    const directory = await mkdtemp(join(tmpdir(), "drover-store-"));
    await mkdir(join(directory, "conf"));
    const settings = [
      "sandbox = true",
      "sandbox-paths = /bin /usr /lib /lib64",
      "build-users-group =",
      "substitute = false",
    ];
    await writeFile(join(directory, "conf", "nix.conf"), settings.join("\n"));
    return new PrivateStore(directory);
  }

  /** The options that make a Nix command use this store. */
  get arguments(): string[] {
    return ["--store", join(this.#directory, "root")];
  }

  /** Instantiates an expression: attributes of `derivation` in Nix's language. Gives the `.drv` path and its contents. */
  async instantiate(attributes: string): Promise<{ drvPath: string; derivation: Derivation }> {
    const complete = `derivation ({ system = builtins.currentSystem; builder = "/bin/sh"; PATH = "/usr/bin:/bin"; } // ${attributes})`;
    const drvPath = await this.run("nix-instantiate", ["--expr", complete]);
    const bytes = await readFile(join(this.#directory, "root", drvPath));
    return { drvPath, derivation: parseDerivation(bytes, drvPath) };
  }

  /** Runs a Nix command on this store and gives what it prints, without the newline at its end. */
  async run(program: string, args: readonly string[]): Promise<string> {
    const { stdout } = await run(program, [...this.arguments, ...args], { env: this.#environment });
    return stdout.trimEnd();
  }

  async serve(options: Pick<ServeClientOptions, "announce" | "signal"> = {}): Promise<ServedStore> {
    const child = spawn("nix-store", [...this.arguments, "--serve", "--write"], { env: this.#environment });
    let log = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
    const closed = once(child, "close");
    const client = await ServeClient.open({ input: child.stdout, output: child.stdin, ...options });
    return {
      client,
      process: child,
      log: () => log,
      async [Symbol.asyncDispose]() {
        client.close();
        await closed;
      },
    };
  }

  /** Nix makes its directories read-only, which keeps everybody but root from emptying them. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { name, parentPath } of (
      await readdir(this.#directory, { recursive: true, withFileTypes: true })
    ).filter((entry) => entry.isDirectory())) {
      await chmod(join(parentPath, name), 0o700);
    }
    await rm(this.#directory, { recursive: true });
  }
}
