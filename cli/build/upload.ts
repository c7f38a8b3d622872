import { setMaxListeners } from "node:events";
import type { PathDescription, SignedRequest } from "../../lambdas/api/schema/store.ts";
import { DroverError } from "../../nix/drover-error.ts";
import type { ApiClient } from "../api/client.ts";
import { registerPaths, signUploads } from "../api/operations.ts";
import { patiently } from "../api/patience.ts";
import { NarSource } from "./nar-source.ts";
import { sendNar } from "./send-nar.ts";
import type { UploadBatch } from "./upload-plan.ts";

export interface UploadProgress {
  readonly paths: number;
  readonly pathsDone: number;
  /** Of NARs, uncompressed. */
  readonly bytes: number;
  readonly bytesDone: number;
}

export interface UploadOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: UploadProgress) => void;
  /** @default 4 */
  readonly parallel?: number;
  /** For how long, in milliseconds, a network or service that fails is borne, for each path. @default 60_000 */
  readonly patience?: number;
}

/**
 * Uploads the NARs of the batches, several at a time, each from a `nix-store --serve` of its own. A batch is registered
 * when it and all before it have arrived: what an interrupted upload leaves behind need not be sent again.
 */
export async function upload(
  client: ApiClient,
  batches: readonly UploadBatch[],
  options: UploadOptions,
): Promise<void> {
  await new Upload(client, batches, options).run();
}

interface Job {
  readonly path: PathDescription;
  readonly request: SignedRequest | undefined;
  /** To be called when the path has arrived. */
  readonly sent: () => void;
}

class Upload {
  readonly #client: ApiClient;
  readonly #batches: readonly UploadBatch[];
  readonly #options: UploadOptions;
  readonly #patience: number;
  /** Ends all workers when one of them fails. */
  readonly #cancel = new AbortController();
  readonly #signal: AbortSignal;
  #progress: UploadProgress;
  /** The registration of all batches that have been begun. */
  #registered: Promise<void> = Promise.resolve();

  constructor(client: ApiClient, batches: readonly UploadBatch[], options: UploadOptions) {
    this.#client = client;
    this.#batches = batches;
    this.#options = options;
    this.#patience = options.patience ?? 60_000;
    this.#signal = AbortSignal.any([options.signal, this.#cancel.signal]);
    setMaxListeners(0, this.#signal);
    const all = batches.flat();
    const bytes = all.reduce((sum, path) => sum + path.narSize, 0);
    this.#progress = { paths: all.length, pathsDone: 0, bytes, bytesDone: 0 };
  }

  async run(): Promise<void> {
    const queue = this.#queue();
    const work = Array.from({ length: this.#workers() }, async () => await this.#work(queue));
    try {
      await Promise.all(work);
      await this.#registered;
    } catch (error) {
      this.#cancel.abort(error);
      await Promise.allSettled([...work, this.#registered]);
      throw error;
    }
  }

  /** As many as are worth a process of Nix each: little is sent sooner by one than four can be started. */
  #workers(): number {
    const { paths, bytes } = this.#progress;
    const worth = Math.max(Math.ceil(paths / 16), Math.ceil(bytes / 2 ** 22));
    return Math.min(this.#options.parallel ?? 4, paths, worth);
  }

  /** Hands out one path after the other, and registers each batch once all of it has been reported as sent. */
  async *#queue(): AsyncGenerator<Job> {
    for (const batch of this.#batches) {
      const requests = await signUploads(this.#client, batch, { signal: this.#signal, patience: this.#patience });
      const complete = Promise.withResolvers<void>();
      this.#signal.addEventListener("abort", () => complete.reject(this.#signal.reason), { once: true });
      let left = batch.length;
      const before = this.#registered;
      this.#registered = (async () => {
        await Promise.all([before, complete.promise]);
        await registerPaths(this.#client, batch, { signal: this.#signal, patience: this.#patience });
      })();
      // Looked at in the end; until then it is nobody's unhandled rejection.
      this.#registered.catch((error: unknown) => this.#cancel.abort(error));
      const sent = () => {
        left -= 1;
        if (left === 0) complete.resolve();
      };
      for (const path of batch) yield { path, request: requests.get(path.storePath), sent };
    }
  }

  async #work(queue: AsyncGenerator<Job>): Promise<void> {
    const source = new NarSource(this.#signal);
    await using _source = source;
    for (;;) {
      const next = await queue.next();
      if (next.done === true) return;
      const { path, request, sent } = next.value;
      await this.#send(path, request, source);
      this.#advance(1, 0);
      sent();
    }
  }

  async #send(path: PathDescription, first: SignedRequest | undefined, source: NarSource): Promise<void> {
    let request = first;
    let renewed = false;
    const attempt = async (): Promise<void> => {
      request ??= await this.#sign(path);
      let bytes = 0;
      try {
        const nar = counted(await source.dump(path), (length) => {
          bytes += length;
          this.#advance(0, length);
        });
        await sendNar(request, nar, path.narSize, this.#signal);
      } catch (error) {
        this.#advance(0, -bytes);
        await source.reset();
        request = undefined;
        // The URL may have expired while other paths were sent.
        if (renewed || !(error instanceof DroverError) || error.details["status"] !== 403) throw error;
        renewed = true;
        await attempt();
      }
    };
    await patiently(attempt, { patience: this.#patience, signal: this.#signal });
  }

  async #sign(path: PathDescription): Promise<SignedRequest> {
    const requests = await signUploads(this.#client, [path], { signal: this.#signal });
    const request = requests.get(path.storePath);
    if (request !== undefined) return request;
    throw new DroverError(
      "DROVER_API_ANSWER",
      `the service at ${this.#client.url} gave no way to upload ${path.storePath}`,
      {
        subject: path.storePath,
        remedy: "Check that the service is of the same version as this command.",
      },
    );
  }

  #advance(paths: number, bytes: number): void {
    const { pathsDone, bytesDone } = this.#progress;
    this.#progress = { ...this.#progress, pathsDone: pathsDone + paths, bytesDone: bytesDone + bytes };
    this.#options.onProgress(this.#progress);
  }
}

async function* counted(
  source: AsyncIterable<Uint8Array>,
  onBytes: (length: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    onBytes(chunk.length);
    yield chunk;
  }
}
