import type { Writable } from "node:stream";
import type { BasicDerivation } from "../derivation/basic.ts";
import type { StorePath } from "../store-path.ts";
import type { ByteReader } from "../wire/byte-reader.ts";
import { WireEncoder } from "../wire/encoder.ts";
import type { NewPath, NewPathInfo } from "./add-to-store.ts";
import { encodeBasicDerivation } from "./basic-derivation.ts";
import { encodeBuildOptions, type BuildOptions } from "./build-options.ts";
import { decodeBuildPathsResult, decodeBuildResult, type BuildPathsResult, type BuildResult } from "./build-result.ts";
import { ServeChannel } from "./channel.ts";
import { SERVE_COMMAND } from "./command.ts";
import { sendExportStream } from "./export-stream.ts";
import type { Greeting } from "./greeting.ts";
import { decodePathInfos, decodeStorePaths, type ServePathInfo } from "./path-info.ts";
import { expectOne, Uploads } from "./upload.ts";
import { NEWEST_SERVE_VERSION, type ServeVersion } from "./version.ts";

export interface ServeClientOptions {
  /** The server's standard output. */
  readonly input: AsyncIterable<Uint8Array>;
  /** The server's standard input. Closing it is the protocol's only way to cancel. */
  readonly output: Writable;
  /** The version to announce. @default 0x208, which is 2.8 */
  readonly announce?: ServeVersion;
  /** Ends the connection whenever it is aborted: the command under way rejects with its reason. */
  readonly signal?: AbortSignal;
}

export interface CommandOptions {
  /** Ends the command, and with it the connection, since the protocol has no other way. */
  readonly signal?: AbortSignal;
}

/**
 * A client of `nix-store --serve --write` (protocol 2.5 to 2.8, Nix 2.3 and later) over any pair of streams. It is
 * told nothing about failures but that the connection ends: the reasons are on the server's standard error, which
 * somebody has to read all the time or the server stalls.
 *
 * One command at a time; a second one meanwhile throws `DROVER_SERVE_BUSY`. Any error in the middle of a command, and
 * any abort, ends the connection; later commands then throw `DROVER_SERVE_UNUSABLE`. Whoever opened the streams still
 * has to end the process or the SSH channel behind them.
 */
export class ServeClient implements AsyncDisposable {
  readonly #channel: ServeChannel;
  readonly #greeting: Greeting;

  private constructor(channel: ServeChannel, greeting: Greeting) {
    this.#channel = channel;
    this.#greeting = greeting;
  }

  /**
   * Greets the server.
   *
   * @throws DROVER_SERVE_NOISE when something else answers, with what it said; DROVER_SERVE_CLOSED when nothing
   *   answers; DROVER_SERVE_VERSION
   */
  static async open({ input, output, announce, signal }: ServeClientOptions): Promise<ServeClient> {
    const channel = new ServeChannel(input, output, signal);
    return new ServeClient(channel, await channel.greet(announce ?? NEWEST_SERVE_VERSION));
  }

  /** What the server said it speaks, e.g. 0x207. */
  get serverVersion(): ServeVersion {
    return this.#greeting.serverVersion;
  }

  /** What both speak. */
  get version(): ServeVersion {
    return this.#greeting.version;
  }

  /**
   * Which of the paths are valid there. With `lock` those are safe from the machine's garbage collector as long as
   * this connection lives; with `substitute` the machine first fetches the missing from its own substituters.
   */
  async queryValidPaths(
    paths: Iterable<StorePath>,
    { lock, substitute, signal }: CommandOptions & { readonly lock: boolean; readonly substitute: boolean },
  ): Promise<Set<StorePath>> {
    const request = this.#command("queryValidPaths").bool(lock).bool(substitute).sortedStrings(paths);
    return new Set(await this.#ask("QueryValidPaths", request, decodeStorePaths, signal));
  }

  /** What is known there about those of the paths that are valid. */
  async queryPathInfos(
    paths: Iterable<StorePath>,
    { signal }: CommandOptions = {},
  ): Promise<Map<StorePath, ServePathInfo>> {
    const request = this.#command("queryPathInfos").sortedStrings(paths);
    return await this.#ask("QueryPathInfos", request, decodePathInfos, signal);
  }

  /** The paths and all they refer to, in no particular order. With `includeOutputs` also outputs of `.drv` files. */
  async queryClosure(
    paths: Iterable<StorePath>,
    { includeOutputs, signal }: CommandOptions & { readonly includeOutputs: boolean },
  ): Promise<StorePath[]> {
    const request = this.#command("queryClosure").bool(includeOutputs).sortedStrings(paths);
    return await this.#ask("QueryClosure", request, decodeStorePaths, signal);
  }

  /**
   * The NAR of a path that is valid there, unchecked. The request is sent when the first chunk is asked for. All of
   * it must be read before the next command; leaving it early ends the connection (`DROVER_SERVE_ABANDONED`).
   *
   * @param narSize as `queryPathInfos` of this server said
   */
  dumpStorePath(path: StorePath, narSize: number, { signal }: CommandOptions = {}): AsyncGenerator<Uint8Array> {
    const request = this.#command("dumpStorePath").string(path).toBuffer();
    return this.#channel.download(`DumpStorePath of ${path}`, request, narSize, signal);
  }

  /**
   * Sends a path, which the server checks against `info` (nobody checks signatures). What it refers to must be valid
   * there. An error of `nar` itself passes unchanged.
   */
  async addToStoreNar(info: NewPathInfo, nar: AsyncIterable<Uint8Array>, options: CommandOptions = {}): Promise<void> {
    await this.addMultipleToStore([{ info, nar }], options);
  }

  /** Sends paths one behind the other without waiting for each answer; references before what refers to them. */
  async addMultipleToStore(
    paths: AsyncIterable<NewPath> | Iterable<NewPath>,
    { signal }: CommandOptions = {},
  ): Promise<void> {
    await this.#channel.exchange(new Uploads(paths, this.#channel.ended, signal));
  }

  /**
   * The older way to send paths, references first. The server keeps each NAR in its memory and checks no hash;
   * `addMultipleToStore` does neither. Signatures and content addresses do not travel.
   */
  async importPaths(paths: AsyncIterable<NewPath> | Iterable<NewPath>, { signal }: CommandOptions = {}): Promise<void> {
    const command = "ImportPaths";
    await this.#channel.exchange({
      command,
      signal,
      send: async (writer) => {
        await writer.write(this.#command("importPaths").toBuffer());
        await sendExportStream(writer, paths, this.#channel.ended);
      },
      receive: async (reader) => {
        await expectOne(reader, command);
      },
    });
  }

  /**
   * Builds one derivation whose input sources (all inputs, and what they refer to) are valid there; its `.drv` file
   * need not be. A failed build is a result, not an error. The log is on the server's standard error.
   */
  async buildDerivation(
    drvPath: StorePath,
    basic: BasicDerivation,
    options: BuildOptions,
    { signal }: CommandOptions = {},
  ): Promise<BuildResult> {
    const request = this.#command("buildDerivation").string(drvPath);
    encodeBasicDerivation(request, basic);
    encodeBuildOptions(request, options, this.version);
    const receive = async (reader: ByteReader) => await decodeBuildResult(reader, this.version);
    return await this.#ask(`BuildDerivation of ${drvPath}`, request, receive, signal);
  }

  /**
   * Builds or substitutes. `x.drv` means all its outputs, `x.drv!out,dev` some, any other path that it becomes valid;
   * `.drv` files must be valid there.
   */
  async buildPaths(
    paths: Iterable<string>,
    options: BuildOptions,
    { signal }: CommandOptions = {},
  ): Promise<BuildPathsResult> {
    const request = this.#command("buildPaths").strings(paths);
    encodeBuildOptions(request, options, this.version);
    return await this.#ask("BuildPaths", request, decodeBuildPathsResult, signal);
  }

  /**
   * Half-closes the connection: an idle server ends, a command under way is broken off. The input is read to its end
   * in the background, so that it can close.
   */
  close(): void {
    this.#channel.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #command(name: keyof typeof SERVE_COMMAND): WireEncoder {
    return new WireEncoder().u64(SERVE_COMMAND[name]);
  }

  async #ask<T>(
    command: string,
    request: WireEncoder,
    receive: (reader: ByteReader) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const send = async (writer: { write(bytes: Uint8Array): Promise<void> }) => {
      await writer.write(request.toBuffer());
    };
    return await this.#channel.exchange({ command, signal, send, receive });
  }
}
