import { Writable, type Readable } from "node:stream";
import type { ClientChannel } from "ssh2";
import type { DroverError } from "../../nix/drover-error.ts";

/** How a process on a machine ended, as far as that is known. */
export type RemoteExit =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "signalled"; readonly signal: string }
  /** Its channel was closed without a word about it. */
  | { readonly kind: "closed" }
  /** Nobody knows: the connection is gone. */
  | { readonly kind: "lost"; readonly error: DroverError };

/** What a process needs to know of its connection. */
interface Connection {
  readonly ended: Promise<DroverError | undefined>;
  readonly loss: DroverError | undefined;
}

/** A command that runs on a machine. Its standard error must be read all the time: sshd stops for both otherwise. */
export class RemoteProcess {
  /** Ending or destroying it closes the process's standard input, nothing else. */
  readonly stdin: Writable;
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly stderr: Readable;
  /** Never rejects. sshd counts the session against MaxSessions until then. */
  readonly exited: Promise<RemoteExit>;
  readonly #channel: ClientChannel;

  constructor(channel: ClientChannel, connection: Connection) {
    this.#channel = channel;
    this.stderr = channel.stderr;
    this.stdin = standardInput(channel);
    // Leaving the loop early must not close the channel: that would hide how the process ended.
    this.stdout = { [Symbol.asyncIterator]: () => channel.iterator({ destroyOnReturn: false }) };
    // Each failure of a channel is an end of the process as well, or of the connection.
    channel.on("error", () => {});
    this.exited = new Promise((resolve) => {
      channel.on("exit", (code: number | null, signal?: string) => {
        resolve(code === null ? { kind: "signalled", signal: signal ?? "" } : { kind: "exited", code });
      });
      const closed = () => {
        const { loss } = connection;
        resolve(loss === undefined ? { kind: "closed" } : { kind: "lost", error: loss });
      };
      channel.on("close", closed);
      // The channel says nothing as long as there is something in it that nobody reads.
      void connection.ended.then(closed);
    });
  }

  /**
   * Closes its input and output, whatever is in them, which ends programs that live by them as `nix-store --serve`
   * does.
   */
  kill(): void {
    this.#channel.close();
    // A channel says that it has closed only once what had come in has been read.
    this.drain();
  }

  /** Reads and drops what still comes out of it. */
  drain(): void {
    this.#channel.resume();
    this.stderr.resume();
  }
}

/**
 * The channel's input as a stream of its own: destroying a channel of ssh2 closes it in both directions, and writing
 * to a closed one never calls back.
 */
function standardInput(channel: ClientChannel): Writable {
  return new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      if (channel.writable) channel.write(chunk, done);
      else done(new Error("the process has closed its input"));
    },
    final(done) {
      channel.end();
      done();
    },
    destroy(error, done) {
      channel.end();
      done(error);
    },
  });
}
