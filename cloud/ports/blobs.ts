/** Bytes in a stream with back-pressure: the reader pulls. */
export type ByteStream = AsyncIterable<Uint8Array>;

export interface BlobHead {
  /** In bytes. */
  readonly size: number;
  readonly contentType: string;
  /** Of the stored bytes, where the store keeps it: raw 32 bytes. */
  readonly sha256?: Uint8Array | undefined;
}

/** What a client needs to send or fetch one blob by plain HTTP, without credentials of its own. */
export interface SignedRequest {
  readonly method: "GET" | "PUT";
  readonly url: string;
  /** The client must send exactly these, besides Content-Length. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Large things: NARs, narinfos, logs. Keys are relative paths of `[A-Za-z0-9._+=?-]` segments that begin with
 * no dot (`?` because names of derivations, and so of their logs, may have one). A blob appears whole or
 * not at all, and a reader never sees half of it. Nothing is held in memory beyond a few pieces.
 */
export interface Blobs {
  head(key: string): Promise<BlobHead | undefined>;
  /**
   * `body` must be read, or left by `break`: until then it holds a file or a connection.
   *
   * @param range first byte and, optionally, last byte, both inclusive; one that begins behind the end is empty.
   *   `size` is that of the whole blob all the same
   */
  get(
    key: string,
    options?: { range?: { first: number; last?: number }; signal?: AbortSignal },
  ): Promise<(BlobHead & { body: ByteStream }) | undefined>;
  /**
   * Stores a blob, replacing one of that key. If the stream fails or the signal aborts, nothing is stored and nothing
   * is left behind that costs money.
   *
   * @returns the size in bytes
   */
  put(
    key: string,
    body: ByteStream | Uint8Array,
    options: { contentType: string; signal?: AbortSignal },
  ): Promise<{ size: number }>;
  /** Deleting what is not there succeeds. */
  delete(keys: readonly string[]): Promise<void>;
  /** Keys that begin with a prefix, sorted, in pages. Never on a hot path: it is the dearest request. */
  list(prefix: string): AsyncIterable<{ key: string; size: number; modifiedAt: number }>;

  /**
   * Lets a client send one blob of exactly this size and SHA-256; other bytes are refused by the store itself, so what
   * arrives needs no second look. 5 GiB at most (the limit of one S3 PUT).
   */
  signUpload(
    key: string,
    blob: { size: number; sha256: Uint8Array; contentType: string },
    expiresInSeconds: number,
  ): Promise<SignedRequest>;
  signDownload(key: string, expiresInSeconds: number): Promise<SignedRequest>;
}
