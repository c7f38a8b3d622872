import { Duplex } from "node:stream";
import type { ClientChannel } from "ssh2";
import type { Transport } from "./transport.ts";

/** The jump host was asked to connect to a host and could not, or would not. */
export class RefusedTunnel extends Error {
  override readonly name = "RefusedTunnel";
  /** RFC 4254 §5.1: 1 administratively prohibited, 2 connect failed. */
  readonly reason: unknown;

  constructor(why: string, reason: unknown) {
    super(why);
    this.reason = reason;
  }
}

/**
 * A channel through another connection as a transport of SSH. ssh2's own channels wait for the other side when they are
 * destroyed, do not count what comes in, and never call back for what is written to a closed one.
 */
export class Tunnel extends Duplex implements Transport {
  readonly #channel: ClientChannel;
  #received = 0;

  constructor(channel: ClientChannel) {
    super({ allowHalfOpen: false });
    this.#channel = channel;
    channel.on("data", (bytes: Buffer) => {
      this.#received += bytes.length;
      if (!this.push(bytes)) channel.pause();
    });
    channel.on("end", () => this.push(null));
    channel.on("error", (error: Error) => this.destroy(error));
    // What has come in just before is read first.
    channel.on("close", () => setImmediate(() => this.destroy()));
  }

  get bytesRead(): number {
    return this.#received;
  }

  override _read(): void {
    this.#channel.resume();
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    if (this.#channel.writable) this.#channel.write(chunk, done);
    else done(new Error("the jump host has closed the tunnel"));
  }

  override _final(done: () => void): void {
    this.#channel.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#channel.close();
    this.#channel.resume();
    done(error);
  }
}
