import { timingSafeEqual } from "node:crypto";
import ssh2 from "ssh2";
import { unlessAborted } from "../unless-aborted.ts";
import { algorithms } from "./algorithms.ts";
import { SshConnection } from "./connection.ts";
import * as failures from "./failures.ts";
import type { SshTarget, SshTimings } from "./target.ts";
import type { Transport } from "./transport.ts";

/** Key exchange, host key check and log-in over one transport, and what is known about how far they came. */
export class Handshake {
  stage: "key-exchange" | "authentication" = "key-exchange";
  readonly #target: SshTarget;
  readonly #client = new ssh2.Client();
  #presented: Buffer | undefined;
  #isKnownHost = false;

  constructor(target: SshTarget) {
    this.#target = target;
  }

  /** @throws whatever ssh2 throws, for {@link explain}; the transport has to be destroyed then */
  async run(
    transport: Transport,
    via: SshConnection | undefined,
    timings: SshTimings,
    signal: AbortSignal,
  ): Promise<SshConnection> {
    const { user, identity, agent, hostKeys, compress = false, machine } = this.#target;
    this.#client.on("handshake", () => {
      this.stage = "authentication";
    });
    const ready = untilReady(this.#client);
    this.#client.connect({
      sock: transport,
      username: user,
      ...(identity !== null && { privateKey: identity.privateKey }),
      ...(agent !== undefined && { agent }),
      authHandler: [
        ...(identity === null ? [] : ["publickey" as const]),
        ...(agent === undefined ? [] : ["agent" as const]),
      ],
      algorithms: algorithms(
        hostKeys.map(({ type }) => type),
        compress,
      ),
      hostVerifier: (presented: Buffer) => this.#verify(presented),
      readyTimeout: 0,
      // ssh2 asks for signs of life; whether any came is judged by SshConnection, for which all that comes in is one.
      keepaliveInterval: timings.keepAliveInterval,
      keepaliveCountMax: Number.MAX_SAFE_INTEGER,
    });
    await unlessAborted(ready, signal);
    const hostKey = this.#presented ?? Buffer.alloc(0);
    return new SshConnection({ machine, client: this.#client, transport, timings, hostKey, via });
  }

  abandon(): void {
    // What still goes wrong with it is of no interest, but would end the process if nobody listened.
    this.#client.on("error", () => {});
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
    if (level === "client-socket") return failures.unreachable(target, error);
    return failures.failedHandshake(target, error);
  }

  /** Is asked again at each renewal of the keys. */
  #verify(presented: Buffer): boolean {
    this.#presented = presented;
    this.#isKnownHost = this.#target.hostKeys.some(
      ({ blob }) => blob.length === presented.length && timingSafeEqual(blob, presented),
    );
    return this.#isKnownHost;
  }
}

/** Rejects with the first error, or the end that comes before it. */
async function untilReady(client: ssh2.Client): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const closed = () => {
    reject(new Error("the machine closed the connection"));
  };
  const failed = (error: Error) => {
    // ssh2 goes on with the agent's next key, and says so when there is none left.
    if (!("level" in error) || error.level !== "agent") reject(error);
  };
  client.once("ready", () => {
    client.off("error", failed);
    client.off("close", closed);
    resolve();
  });
  client.on("error", failed).once("close", closed);
  await promise;
}
