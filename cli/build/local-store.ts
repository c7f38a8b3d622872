import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { DroverError } from "../../nix/drover-error.ts";
import { ServeClient } from "../../nix/serve/client.ts";
import type { ServePathInfo } from "../../nix/serve/path-info.ts";
import type { StorePath } from "../../nix/store-path.ts";
import { startError } from "./run-nix.ts";

/**
 * The local Nix store, seen through one `nix-store --serve`. So everything that the user has told Nix about it
 * (NIX_REMOTE, nix.conf, a daemon) holds, and there is nothing about its files to know. One question at a time; after
 * an error it answers no more. All methods throw {@link DroverError} DROVER_LOCAL_STORE with what nix-store said.
 */
export class LocalStore implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #closed: Promise<unknown>;
  readonly #said: string[];
  readonly #client: ServeClient;

  private constructor(
    child: ChildProcessByStdio<Writable, Readable, Readable>,
    closed: Promise<unknown>,
    said: string[],
    client: ServeClient,
  ) {
    this.#child = child;
    this.#closed = closed;
    this.#said = said;
    this.#client = client;
  }

  /** @throws {DroverError} DROVER_NIX_MISSING, DROVER_LOCAL_STORE */
  static async open(signal: AbortSignal): Promise<LocalStore> {
    signal.throwIfAborted();
    const child = spawn("nix-store", ["--serve"], { stdio: ["pipe", "pipe", "pipe"] });
    const closed = once(child, "close").catch(() => {});
    const said = lastLinesOf(child.stderr);
    // A pipe whose reader is gone says so here; the client notices it by itself.
    child.stdin.on("error", () => {});
    try {
      await once(child, "spawn");
      const client = await ServeClient.open({ input: child.stdout, output: child.stdin, signal });
      return new LocalStore(child, closed, said, client);
    } catch (error) {
      child.kill();
      signal.throwIfAborted();
      await closed;
      throw explained(startError("nix-store", error), said);
    }
  }

  /** The paths and all that they refer to. */
  async closure(paths: Iterable<StorePath>): Promise<StorePath[]> {
    return await this.#ask(this.#client.queryClosure(paths, { includeOutputs: false }));
  }

  /** What is known of those of the paths that are valid. */
  async pathInfos(paths: Iterable<StorePath>): Promise<Map<StorePath, ServePathInfo>> {
    return await this.#ask(this.#client.queryPathInfos(paths));
  }

  /** The NAR of a path. Leaving it early is an end of this store, too. */
  async *dump(path: StorePath, narSize: number): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#client.dumpStorePath(path, narSize);
    } catch (error) {
      throw await this.#explained(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    this.#child.kill();
    await this.#closed;
  }

  async #ask<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      throw await this.#explained(error);
    }
  }

  /** The protocol carries no reasons: they are on standard error, complete when the process has ended. */
  async #explained(error: unknown): Promise<unknown> {
    if (!(error instanceof DroverError)) return error;
    this.#child.kill();
    await this.#closed;
    return explained(error, this.#said);
  }
}

function explained(error: unknown, said: readonly string[]): unknown {
  if (error instanceof DroverError && error.code === "DROVER_NIX_MISSING") return error;
  const reason = said.length > 0 ? said.join("; ") : error instanceof Error ? error.message : String(error);
  return new DroverError("DROVER_LOCAL_STORE", `the local Nix store can't be read: ${reason}`, {
    remedy:
      "Check that the path is in the store (`nix-store --query --hash PATH`), and that the Nix daemon runs if you use it.",
    cause: error,
  });
}

function lastLinesOf(stream: Readable): string[] {
  const lines: string[] = [];
  createInterface({ input: stream }).on("line", (line) => {
    lines.push(line);
    if (lines.length > 5) lines.shift();
  });
  return lines;
}
