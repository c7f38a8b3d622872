/** What every error of Drover carries besides its message. */
export interface DroverErrorOptions {
  /** What to do about it: one imperative sentence for the person who reads it. */
  readonly remedy?: string;
  /** The thing at fault: a path, a field, a machine, a line. Never a secret. */
  readonly subject?: string;
  /** Facts for programs (byte offsets, expected and presented values). Never a secret. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/**
 * The base of every error that Drover throws on purpose. It lives in the lowest room so that each room can throw it.
 * The code is stable: scripts, tests and `application/problem+json` types are built on it.
 */
export class DroverError extends Error {
  override readonly name = "DroverError";
  readonly code: `DROVER_${string}`;
  readonly remedy: string | undefined;
  readonly subject: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: `DROVER_${string}`, message: string, options: DroverErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy;
    this.subject = options.subject;
    this.details = options.details ?? {};
  }
}
