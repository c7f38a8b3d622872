import { setTimeout as delay } from "node:timers/promises";
import { ServeClient } from "../../nix/serve/client.ts";
import { DroverError } from "../../nix/drover-error.ts";
import type { SshConnection } from "../ssh/connection.ts";
import type { RemoteProcess } from "../ssh/remote-process.ts";
import { diagnose } from "./diagnosis.ts";
import { SessionLog } from "./session-log.ts";

/** Milliseconds. */
export interface SessionTimings {
  /** From the start of the remote shell until Nix greets. @default 20_000 */
  readonly greeting: number;
  /** How long a session that ended without a word may take to say how. @default 1_000 */
  readonly exit: number;
  /** How long one that is thrown away may take to end by itself, which a build does within some ms. @default 5_000 */
  readonly discard: number;
}

export const defaultSessionTimings: SessionTimings = { greeting: 20_000, exit: 1_000, discard: 5_000 };

export interface SessionPlace {
  readonly machine: string;
  readonly user: string;
  readonly command: string;
}

/** One `nix-store --serve --write` on a machine: one conversation at a time, for one build after another. */
export class ServeSession {
  readonly openedAt = performance.now();
  readonly log: SessionLog;
  /** Never rejects. */
  readonly ended: Promise<void>;
  readonly #place: SessionPlace;
  readonly #process: RemoteProcess;
  readonly #timings: SessionTimings;
  #client: ServeClient | undefined;
  #hasEnded = false;
  #hasFailed = false;

  private constructor(place: SessionPlace, process: RemoteProcess, timings: SessionTimings) {
    this.#place = place;
    this.#process = process;
    this.#timings = timings;
    this.log = new SessionLog(process.stderr);
    this.ended = this.#watch();
  }

  /**
   * Starts Nix on the machine and waits for its greeting.
   *
   * @throws {DroverError} DROVER_SSH_SESSION_REFUSED when the connection has no room; MachineError for all else
   */
  static async open(
    connection: SshConnection,
    place: SessionPlace,
    { timings = defaultSessionTimings, signal }: { timings?: SessionTimings; signal?: AbortSignal } = {},
  ): Promise<ServeSession> {
    const process = await connection.exec(place.command, signal);
    const session = new ServeSession(place, process, timings);
    // A signal of the greeting's own: the one that a client is opened with ends it for as long as it lives.
    const greeting = new AbortController();
    const giveUp = () => {
      greeting.abort();
    };
    const patience = setTimeout(giveUp, timings.greeting);
    signal?.addEventListener("abort", giveUp);
    try {
      const streams = { input: process.stdout, output: process.stdin };
      session.#client = await ServeClient.open({ ...streams, signal: greeting.signal });
      return session;
    } catch (error) {
      const explained = greeting.signal.aborted ? session.#mute(error) : await session.#explain(error);
      session.discard();
      signal?.throwIfAborted();
      throw explained;
    } finally {
      clearTimeout(patience);
      signal?.removeEventListener("abort", giveUp);
    }
  }

  /** Whether another build can have it. */
  get isUsable(): boolean {
    return !this.#hasEnded && !this.#hasFailed;
  }

  /**
   * Talks to Nix. Any error makes the session unusable, since nobody knows where in the conversation it stands.
   *
   * @throws MachineError when the session is to blame; errors of what is being sent as they are
   */
  async talk<T>(conversation: (client: ServeClient) => Promise<T>): Promise<T> {
    if (this.#client === undefined || this.#hasFailed) throw this.#spoilt();
    try {
      return await conversation(this.#client);
    } catch (error) {
      this.#hasFailed = true;
      throw await this.#explain(error);
    }
  }

  /** The same for what comes in pieces. Leaving before the end makes the session unusable, too. */
  async *listen(pieces: (client: ServeClient) => AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    if (this.#client === undefined || this.#hasFailed) throw this.#spoilt();
    this.#hasFailed = true;
    try {
      yield* pieces(this.#client);
      this.#hasFailed = false;
    } catch (error) {
      throw await this.#explain(error);
    }
  }

  /**
   * Waits until all that the machine has written on standard error so far is in the log. It comes by another way than
   * answers do, and a long log's end can be behind them: it is there when an answer came and nothing of the log with it.
   *
   * @param before how much had been received when an earlier question was asked that has been answered
   */
  async settleLog(signal?: AbortSignal, before = -1): Promise<void> {
    for (let received = before; received !== this.log.received;) {
      received = this.log.received;
      const options = { lock: false, substitute: false, ...(signal !== undefined && { signal }) };
      await this.talk((client) => client.queryValidPaths([], options));
    }
  }

  /** Ends it: whatever builds there is broken off. Frees its place on the connection as soon as the process is gone. */
  discard(): void {
    this.#hasFailed = true;
    this.#client?.close();
    this.#process.stdin.destroy();
    this.#process.drain();
    const timer = setTimeout(() => {
      this.#process.kill();
    }, this.#timings.discard).unref();
    void this.#stopAtEnd(timer);
  }

  async #watch(): Promise<void> {
    await this.#process.exited;
    this.#hasEnded = true;
  }

  async #stopAtEnd(timer: NodeJS.Timeout): Promise<void> {
    await this.ended;
    clearTimeout(timer);
  }

  async #explain(failure: unknown): Promise<unknown> {
    if (!(failure instanceof DroverError)) return failure;
    // Its last words may come after its exit status.
    const farewell = Promise.all([this.#process.exited, this.log.ended]);
    const [exit] = await Promise.race([
      farewell,
      delay(this.#timings.exit, [{ kind: "closed" }] as const, { ref: false }),
    ]);
    return diagnose(failure, { ...this.#place, exit, log: this.log, hadGreeted: this.#client !== undefined });
  }

  #mute(cause: unknown): DroverError {
    const { machine, user, command } = this.#place;
    const seconds = this.#timings.greeting / 1000;
    return new DroverError("DROVER_SSH_TIMEOUT", `${machine}: Nix did not greet within ${seconds} s of the log-in.`, {
      subject: machine,
      remedy: `Check that the machine is not overloaded and that the shell of ${user} waits for nothing: ${command}`,
      cause,
    });
  }

  #spoilt(): DroverError {
    return new DroverError("DROVER_SERVE_UNUSABLE", `the session to ${this.#place.machine} has failed before`, {
      subject: this.#place.machine,
    });
  }
}
