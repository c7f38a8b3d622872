import type { Writable } from "node:stream";
import { DroverError } from "../drover-error.ts";
import { abortable } from "../wire/abortable.ts";
import { ByteReader } from "../wire/byte-reader.ts";
import { StreamWriter } from "../wire/stream-writer.ts";
import { greet, type Greeting } from "./greeting.ts";
import type { ServeVersion } from "./version.ts";

/** What a command has to say and to hear. */
export interface Exchange<T> {
  /** The command as messages name it. */
  readonly command: string;
  readonly signal?: AbortSignal | undefined;
  send(writer: StreamWriter): Promise<void>;
  receive(reader: ByteReader): Promise<T>;
}

/**
 * The two streams of one `nix-store --serve`, and the rule that a command has them alone until its reply is complete.
 * The protocol can neither interleave nor resynchronise, so whatever goes wrong in the middle of a command makes the
 * channel unusable: both streams are closed, and later commands are refused with the reason.
 */
export class ServeChannel {
  readonly #reader: ByteReader;
  readonly #writer: StreamWriter;
  /** Ends every wait, on either stream or on a NAR that is being sent. */
  readonly #cancel = new AbortController();
  /** Stops listening to the signal of the whole connection. */
  readonly #detach: () => void;
  #underWay: string | undefined;
  #unusable: { readonly reason: unknown } | undefined;

  constructor(input: AsyncIterable<Uint8Array>, output: Writable, signal?: AbortSignal) {
    this.#reader = new ByteReader(abortable(lostOnError(input), this.#cancel.signal));
    this.#writer = new StreamWriter(output, this.#cancel.signal);
    this.#detach = this.#giveUpOn(signal);
    if (signal?.aborted === true) this.#giveUp(signal.reason);
  }

  /** The first exchange. A channel whose server does not greet is closed. */
  async greet(announce: ServeVersion): Promise<Greeting> {
    const command = "the greeting";
    using _turn = this.#begin(command, undefined);
    try {
      return await greet(this.#reader, this.#writer, announce);
    } catch (error) {
      throw this.#giveUp(this.#named(error, command, "DROVER_WIRE_EOF"));
    }
  }

  /** Aborted once the channel is unusable: for waits on other things than the streams. */
  get ended(): AbortSignal {
    return this.#cancel.signal;
  }

  /**
   * Sends and receives at the same time, since the only sign of a server that died while it was being sent something
   * may be that its own stream ends.
   */
  async exchange<T>(exchange: Exchange<T>): Promise<T> {
    using _turn = this.#begin(exchange.command, exchange.signal);
    try {
      const received = exchange.receive(this.#reader).catch((error: unknown) => {
        throw this.#named(error, exchange.command, "DROVER_WIRE_EOF");
      });
      const [, reply] = await Promise.all([exchange.send(this.#writer), received]);
      return reply;
    } catch (error) {
      throw this.#giveUp(this.#named(error, exchange.command, "DROVER_WIRE_LOST"));
    }
  }

  /** Sends a request whose reply is `size` raw bytes, and passes these on. They must all be taken. */
  async *download(
    command: string,
    request: Uint8Array,
    size: number,
    signal?: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    using _turn = this.#begin(command, signal);
    const end = this.#reader.position + size;
    try {
      await this.#writer.write(request);
      while (this.#reader.position < end) yield await this.#reader.some(end - this.#reader.position);
    } catch (error) {
      throw this.#giveUp(this.#named(error, command, "DROVER_WIRE_EOF"));
    } finally {
      const left = end - this.#reader.position;
      if (left > 0) this.#giveUp(abandoned(command, left));
    }
  }

  /** Half-closes an idle channel, which ends the server; breaks off a command under way. */
  close(): void {
    const reason = new DroverError("DROVER_SERVE_CLOSED", "this side closed the serve connection", {
      remedy: "Open another connection for further commands.",
    });
    if (this.#underWay !== undefined) this.#giveUp(reason);
    if (this.#unusable !== undefined) return;
    this.#unusable = { reason };
    this.#detach();
    this.#writer.end();
    // Nothing is to come; but a stream that nobody reads to its end never says that it has closed.
    this.#discard().catch(() => {});
  }

  async #discard(): Promise<void> {
    while (!(await this.#reader.atEnd())) await this.#reader.some(2 ** 16);
  }

  #begin(command: string, signal: AbortSignal | undefined): Disposable {
    signal?.throwIfAborted();
    if (this.#unusable !== undefined) throw unusable(command, this.#unusable.reason);
    if (this.#underWay !== undefined) throw busy(command, this.#underWay);
    this.#underWay = command;
    const detach = this.#giveUpOn(signal);
    return {
      [Symbol.dispose]: () => {
        this.#underWay = undefined;
        detach();
      },
    };
  }

  /** Listens to the signal until the function it returns is called: signals may live longer than connections. */
  #giveUpOn(signal: AbortSignal | undefined): () => void {
    const abort = () => {
      this.#giveUp(signal?.reason);
    };
    signal?.addEventListener("abort", abort, { once: true });
    return () => {
      signal?.removeEventListener("abort", abort);
    };
  }

  /** Closes both streams for good; returns what it was given, unless it was unusable for another reason before. */
  #giveUp(reason: unknown): unknown {
    if (this.#unusable !== undefined) return this.#unusable.reason;
    this.#unusable = { reason };
    this.#detach();
    this.#cancel.abort(reason);
    this.#writer.destroy();
    this.#reader.release().catch(() => {});
    return reason;
  }

  /** The end of a stream as the end of the command; any other error as it is. */
  #named(error: unknown, command: string, code: "DROVER_WIRE_EOF" | "DROVER_WIRE_LOST"): unknown {
    const lost = error instanceof DroverError && (error.code === code || error.code === "DROVER_WIRE_LOST");
    if (!lost) return error;
    return new DroverError("DROVER_SERVE_CLOSED", `the serve connection closed during ${command}`, {
      subject: command,
      remedy: "Read what ssh and nix-store wrote to their standard error: the protocol carries no reasons.",
      cause: error,
    });
  }
}

async function* lostOnError(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* source;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DroverError("DROVER_WIRE_LOST", `the stream can't be read: ${why}`, { cause });
  }
}

function busy(command: string, underWay: string): DroverError {
  return new DroverError("DROVER_SERVE_BUSY", `${command} was asked for while ${underWay} was under way`, {
    subject: command,
    remedy: "Await each command, and read each dump to its end, before the next; or open another connection.",
  });
}

function unusable(command: string, cause: unknown): DroverError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new DroverError("DROVER_SERVE_UNUSABLE", `${command} can't use this serve connection any more: ${why}`, {
    subject: command,
    remedy: "Open another connection.",
    cause,
  });
}

function abandoned(command: string, left: number): DroverError {
  return new DroverError("DROVER_SERVE_ABANDONED", `${command} was left with ${left} bytes unread`, {
    subject: command,
    remedy: "Open another connection; next time read the dump to its end.",
  });
}
