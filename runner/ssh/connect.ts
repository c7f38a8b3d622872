import { timingSafeEqual } from "node:crypto";
import { connect as connectTcp, type Socket } from "node:net";
import ssh2 from "ssh2";
import { unlessAborted } from "../unless-aborted.ts";
import { algorithms } from "./algorithms.ts";
import { SshConnection } from "./connection.ts";
import * as failures from "./failures.ts";
import { defaultSshTimings, type SshTarget, type SshTimings } from "./target.ts";

export interface ConnectOptions {
  /** @default {@link defaultSshTimings} */
  readonly timings?: SshTimings;
  readonly signal?: AbortSignal;
}

/**
 * Opens an SSH connection to a machine. The host key is compared before the log-in begins, so that a host which is not
 * the known one learns nothing but that somebody called (invariant 6).
 *
 * @throws {DroverError} DROVER_HOST_KEY_UNKNOWN before anything is sent; DROVER_SSH_UNREACHABLE, DROVER_SSH_TIMEOUT,
 *   DROVER_HOST_KEY_MISMATCH, DROVER_SSH_HANDSHAKE, DROVER_SSH_AUTHENTICATION
 */
export async function connectSsh(target: SshTarget, options: ConnectOptions = {}): Promise<SshConnection> {
  const { timings = defaultSshTimings, signal } = options;
  signal?.throwIfAborted();
  if (target.hostKey === null) throw failures.unknownHostKey(target);
  const attempt = new Handshake(target);
  const budget = AbortSignal.timeout(timings.connect);
  try {
    return await attempt.run(timings, AbortSignal.any(signal === undefined ? [budget] : [budget, signal]));
  } catch (error) {
    attempt.abandon();
    signal?.throwIfAborted();
    throw budget.aborted ? failures.timedOut(target, attempt.stage, timings.connect) : attempt.explain(error);
  }
}

/** One attempt to connect, and what is known about how far it came. */
class Handshake {
  stage: failures.SshStage = "connecting";
  readonly #target: SshTarget;
  readonly #client = new ssh2.Client();
  #socket: Socket | undefined;
  #presented: Buffer | undefined;
  #isKnownHost = false;

  constructor(target: SshTarget) {
    this.#target = target;
  }

  async run(timings: SshTimings, signal: AbortSignal): Promise<SshConnection> {
    const { host, port, user, identity, agent, hostKey, compress = false, machine } = this.#target;
    // A socket of our own, since ssh2 leaves Nagle's algorithm on, which delays small requests by up to 40 ms.
    const socket = connectTcp({ host, port, noDelay: true });
    this.#socket = socket;
    await unlessAborted(untilEvent(socket, "connect"), signal);
    this.stage = "key-exchange";
    this.#client.on("handshake", () => {
      this.stage = "authentication";
    });
    const ready = untilEvent(this.#client, "ready");
    this.#client.connect({
      sock: socket,
      username: user,
      ...(identity !== null && { privateKey: identity.privateKey }),
      ...(agent !== undefined && { agent }),
      authHandler: [
        ...(identity === null ? [] : ["publickey" as const]),
        ...(agent === undefined ? [] : ["agent" as const]),
      ],
      algorithms: algorithms(hostKey?.type ?? "", compress),
      hostVerifier: (presented: Buffer) => this.#verify(presented),
      readyTimeout: 0,
      // ssh2 asks for signs of life; whether any came is judged by SshConnection, for which all that comes in is one.
      keepaliveInterval: timings.keepAliveInterval,
      keepaliveCountMax: Number.MAX_SAFE_INTEGER,
    });
    await unlessAborted(ready, signal);
    return new SshConnection(machine, this.#client, socket, timings);
  }

  abandon(): void {
    // What still goes wrong with it is of no interest, but would end the process if nobody listened.
    this.#client.on("error", () => {});
    this.#socket?.on("error", () => {});
    this.#socket?.destroy();
  }

  explain(error: unknown): unknown {
    const target = this.#target;
    const level = error instanceof Error && "level" in error ? error.level : undefined;
    const message = error instanceof Error ? error.message : "";
    if (this.#presented !== undefined && !this.#isKnownHost) {
      return failures.wrongHostKey(target, this.#presented, error);
    }
    if (message.includes("no matching host key format")) return failures.wrongHostKey(target, undefined, error);
    if (level === "client-authentication" || this.stage === "authentication") {
      return failures.refusedIdentity(target, error);
    }
    if (this.stage === "connecting" || level === "client-socket" || level === "protocol") {
      return failures.unreachable(target, error);
    }
    return failures.failedHandshake(target, error);
  }

  /** Is asked again at each renewal of the keys. */
  #verify(presented: Buffer): boolean {
    const expected = this.#target.hostKey?.blob;
    this.#presented = presented;
    this.#isKnownHost =
      expected !== undefined && expected.length === presented.length && timingSafeEqual(expected, presented);
    return this.#isKnownHost;
  }
}

/** The event, or the first error or the end that comes before it. */
async function untilEvent(emitter: Socket | ssh2.Client, event: "connect" | "ready"): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const closed = () => {
    reject(new Error("the machine closed the connection"));
  };
  const failed = (error: Error) => {
    // ssh2 goes on with the agent's next key, and says so when there is none left.
    if (!("level" in error) || error.level !== "agent") reject(error);
  };
  const succeeded = () => {
    emitter.off("error", failed);
    emitter.off("close", closed);
    resolve();
  };
  // `Socket` and `Client` declare these events in overloads that a union of the two can not be called with.
  const plain: NodeJS.EventEmitter = emitter;
  plain.once(event, succeeded).on("error", failed).once("close", closed);
  await promise;
}
