import type { Client, ClientChannel, ParsedKey } from "ssh2";
import { unlessAborted } from "../unless-aborted.ts";
import type { DroverError } from "../../nix/drover-error.ts";
import { lostConnection, refusedChannel } from "./failures.ts";
import { watchSilence } from "./liveness.ts";
import { RemoteProcess } from "./remote-process.ts";
import type { SshTimings } from "./target.ts";
import type { Transport } from "./transport.ts";
import { RefusedTunnel, Tunnel } from "./tunnel.ts";

/** How long a connection that is being closed may take to say good-bye. Milliseconds. */
const farewell = 1_000;

/** What a connection is made of. */
export interface SshConnectionParts {
  readonly machine: string;
  /** Logged in. */
  readonly client: Client;
  readonly transport: Transport;
  readonly timings: SshTimings;
  /** The key with which the host has proved itself. */
  readonly hostKey: Uint8Array;
  /** The jump host's connection, which ends with this one. */
  readonly via: SshConnection | undefined;
}

/** A connection that is logged in. Made by `connectSsh` only. */
export class SshConnection implements AsyncDisposable {
  readonly machine: string;
  /** Resolves when it is over: with the reason if it was lost, with undefined if this side closed it. Never rejects. */
  readonly ended: Promise<DroverError | undefined>;
  readonly #client: Client;
  readonly #transport: Transport;
  readonly #via: SshConnection | undefined;
  #hostKeys: readonly Uint8Array[];
  #cause: Error | undefined;
  #isClosing = false;
  #loss: DroverError | undefined;

  constructor({ machine, client, transport, timings, hostKey, via }: SshConnectionParts) {
    this.machine = machine;
    this.#client = client;
    this.#transport = transport;
    this.#via = via;
    this.#hostKeys = [hostKey];
    const { promise, resolve } = Promise.withResolvers<DroverError | undefined>();
    this.ended = promise;
    const giveUp = (error: Error) => {
      this.#cause ??= error;
      transport.destroy();
    };
    client.on("error", giveUp);
    client.on("hostkeys", (keys: ParsedKey[]) => {
      if (keys.length > 0) this.#hostKeys = keys.map((key) => key.getPublicSSH());
    });
    const stopWatching = watchSilence(transport, timings, giveUp);
    // ssh2 emits this before it ends the channels, so that whoever reads the end of one finds the reason here.
    client.on("close", () => {
      stopWatching();
      if (!this.#isClosing) this.#loss = lostConnection(machine, this.#cause ?? via?.loss);
      resolve(this.#loss);
      void via?.close();
    });
    if (via !== undefined) void endWith(via, giveUp);
  }

  /** Why it was lost, once it is. */
  get loss(): DroverError | undefined {
    return this.#loss;
  }

  /**
   * Keys with which the host has proved itself: the one that was checked, or soon after the log-in all that it has, as
   * OpenSSH tells of its own accord (`hostkeys-00@openssh.com`).
   */
  get hostKeys(): readonly Uint8Array[] {
    return this.#hostKeys;
  }

  /**
   * Has the user's shell on the machine run a command, in a session of its own.
   *
   * @throws {DroverError} DROVER_SSH_LOST; DROVER_SSH_SESSION_REFUSED, as a rule because the connection has as many
   *   sessions as sshd allows (MaxSessions, 10 by default)
   */
  async exec(command: string, signal?: AbortSignal): Promise<RemoteProcess> {
    try {
      return await opened(
        (done) => this.#client.exec(command, done),
        (channel) => new RemoteProcess(channel, this),
        signal,
      );
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      if (error instanceof Error && "reason" in error) throw refusedChannel(this.machine, error);
      throw (await this.#lossSoon()) ?? refusedChannel(this.machine, error);
    }
  }

  /**
   * Has the host connect to another one, as `ssh -W` does.
   *
   * @throws {RefusedTunnel}
   * @throws {DroverError} DROVER_SSH_LOST
   */
  async openTunnel(host: string, port: number, signal?: AbortSignal): Promise<Transport> {
    try {
      // What it says of where the connection comes from is of no use to anybody.
      return await opened(
        (done) => this.#client.forwardOut("127.0.0.1", 0, host, port, done),
        (channel) => new Tunnel(channel),
        signal,
      );
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      if (error instanceof Error && "reason" in error) throw new RefusedTunnel(error.message, error.reason);
      throw (await this.#lossSoon()) ?? error;
    }
  }

  /** Ends it, all processes that it runs, and the connection to the jump host below it. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#client.end();
    const timer = setTimeout(() => this.#transport.destroy(), farewell);
    await this.ended;
    clearTimeout(timer);
    await this.#via?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** ssh2 refuses to work on a transport that has been shut down some moments before it says that it is closed. */
  async #lossSoon(): Promise<DroverError | undefined> {
    if (!this.#transport.writable) this.#transport.destroy();
    return this.#transport.destroyed ? await this.ended : this.#loss;
  }
}

async function endWith(via: SshConnection, giveUp: (error: Error) => void): Promise<void> {
  const loss = await via.ended;
  giveUp(loss ?? new Error("the connection to the jump host was closed"));
}

/**
 * What is made of a channel; one that nobody wants any more by the time it is open is closed.
 *
 * @param use is called before ssh2 reads on: the exit status of a short command can come in one segment with the answer
 *   that opens its channel, and would be said to nobody a moment later
 */
async function opened<T>(
  open: (done: (error: Error | undefined, channel: ClientChannel) => void) => void,
  use: (channel: ClientChannel) => T,
  signal: AbortSignal | undefined,
): Promise<T> {
  signal?.throwIfAborted();
  const opening = new Promise<T>((resolve, reject) => {
    open((error, channel) => {
      if (error !== undefined) reject(error);
      else if (signal?.aborted === true) abandon(channel);
      else resolve(use(channel));
    });
  });
  return await (signal === undefined ? opening : unlessAborted(opening, signal));
}

function abandon(channel: ClientChannel): void {
  channel.close();
  channel.resume().stderr.resume();
}
