import type { Socket } from "node:net";
import type { Client, ClientChannel } from "ssh2";
import { unlessAborted } from "../unless-aborted.ts";
import type { DroverError } from "../../nix/drover-error.ts";
import { lostConnection, refusedChannel } from "./failures.ts";
import { watchSilence } from "./liveness.ts";
import { RemoteProcess } from "./remote-process.ts";
import type { SshTimings } from "./target.ts";

/** How long a connection that is being closed may take to say good-bye. Milliseconds. */
const farewell = 1_000;

/** A connection that is logged in. Made by `connectSsh` only. */
export class SshConnection implements AsyncDisposable {
  readonly machine: string;
  /** Resolves when it is over: with the reason if it was lost, with undefined if this side closed it. Never rejects. */
  readonly ended: Promise<DroverError | undefined>;
  readonly #client: Client;
  readonly #socket: Socket;
  #cause: Error | undefined;
  #isClosing = false;
  #loss: DroverError | undefined;

  constructor(machine: string, client: Client, socket: Socket, timings: SshTimings) {
    this.machine = machine;
    this.#client = client;
    this.#socket = socket;
    const { promise, resolve } = Promise.withResolvers<DroverError | undefined>();
    this.ended = promise;
    client.on("error", (error) => {
      this.#cause ??= error;
      socket.destroy();
    });
    const stopWatching = watchSilence(socket, timings, (error) => {
      this.#cause ??= error;
      socket.destroy();
    });
    // ssh2 emits this before it ends the channels, so that whoever reads the end of one finds the reason here.
    client.on("close", () => {
      stopWatching();
      if (!this.#isClosing) this.#loss = lostConnection(machine, this.#cause);
      resolve(this.#loss);
    });
  }

  /** Why it was lost, once it is. */
  get loss(): DroverError | undefined {
    return this.#loss;
  }

  /**
   * Has the user's shell on the machine run a command, in a session of its own.
   *
   * @throws {DroverError} DROVER_SSH_LOST; DROVER_SSH_SESSION_REFUSED, as a rule because the connection has as many
   *   sessions as sshd allows (MaxSessions, 10 by default)
   */
  async exec(command: string, signal?: AbortSignal): Promise<RemoteProcess> {
    signal?.throwIfAborted();
    const opening = this.#open(command);
    try {
      const channel = await (signal === undefined ? opening : unlessAborted(opening, signal));
      return new RemoteProcess(channel, this);
    } catch (error) {
      if (signal?.aborted === true) {
        void closeWhenOpen(opening);
        throw signal.reason;
      }
      if (error instanceof Error && "reason" in error) throw refusedChannel(this.machine, error);
      throw (await this.#lossSoon()) ?? refusedChannel(this.machine, error);
    }
  }

  /** Ends it and all processes it runs. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#client.end();
    const timer = setTimeout(() => this.#socket.destroy(), farewell);
    await this.ended;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #open(command: string): Promise<ClientChannel> {
    return await new Promise((resolve, reject) => {
      this.#client.exec(command, (error, channel) => {
        if (error === undefined) resolve(channel);
        else reject(error);
      });
    });
  }

  /** ssh2 refuses to work on a socket that has been shut down some moments before it says that it is closed. */
  async #lossSoon(): Promise<DroverError | undefined> {
    if (!this.#socket.writable) this.#socket.destroy();
    return this.#socket.destroyed ? await this.ended : this.#loss;
  }
}

/** A session that nobody wants any more by the time it is open. */
async function closeWhenOpen(opening: Promise<ClientChannel>): Promise<void> {
  const channel = await opening.catch(() => undefined);
  channel?.close();
  channel?.resume().stderr.resume();
}
