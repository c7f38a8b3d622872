import type { SshConnection } from "./connection.ts";
import * as failures from "./failures.ts";
import { Handshake } from "./handshake.ts";
import { defaultSshTimings, type SshPlace, type SshTarget, type SshTimings } from "./target.ts";
import { openTransport } from "./open-transport.ts";
import type { Transport } from "./transport.ts";

export interface ConnectOptions {
  /** The hosts to go through, nearest first. Their connections end with this one. @default none */
  readonly jumps?: readonly SshTarget[];
  /** @default {@link defaultSshTimings} */
  readonly timings?: SshTimings;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens an SSH connection to a machine, through its jump hosts if it has any. Each host's key is compared before the
 * log-in begins, so that a host which is not the known one learns nothing but that somebody called (invariant 6).
 *
 * @throws {DroverError} DROVER_HOST_KEY_UNKNOWN before anything is sent; DROVER_SSH_UNREACHABLE, DROVER_SSH_TIMEOUT,
 *   DROVER_HOST_KEY_MISMATCH (of a jump host: DROVER_JUMP_HOST_KEY_MISMATCH), DROVER_SSH_HANDSHAKE,
 *   DROVER_SSH_AUTHENTICATION; the message names the host
 */
export async function connectSsh(target: SshTarget, options: ConnectOptions = {}): Promise<SshConnection> {
  const { timings = defaultSshTimings, signal } = options;
  signal?.throwIfAborted();
  if (target.hostKeys.length === 0) throw failures.unknownHostKey(target);
  const via = await connectJumps(options);
  let transport: Transport | undefined;
  try {
    const started = performance.now();
    transport = await reachHost(target, via, timings.connect, signal);
    const left = timings.connect - (performance.now() - started);
    return await logIn(target, transport, { timings: { ...timings, connect: left }, signal, via });
  } catch (error) {
    await via?.close();
    throw error;
  }
}

/**
 * The connection to the last jump host, through all those before it.
 *
 * @returns undefined where there are none
 * @throws as {@link connectSsh}
 */
export async function connectJumps({ jumps = [], ...options }: ConnectOptions): Promise<SshConnection | undefined> {
  const last = jumps.at(-1);
  return last === undefined ? undefined : await connectSsh(last, { ...options, jumps: jumps.slice(0, -1) });
}

/**
 * Gets as far as a host's port.
 *
 * @param budget milliseconds
 * @throws {DroverError} DROVER_SSH_UNREACHABLE, DROVER_SSH_TIMEOUT
 */
export async function reachHost(
  place: SshPlace,
  via: SshConnection | undefined,
  budget: number,
  signal: AbortSignal | undefined,
): Promise<Transport> {
  const limit = AbortSignal.timeout(budget);
  try {
    return await openTransport(place, via, signal === undefined ? limit : AbortSignal.any([limit, signal]));
  } catch (error) {
    signal?.throwIfAborted();
    if (limit.aborted) throw failures.timedOut(place, "connecting", budget);
    throw failures.unreachable(place, error, via?.machine);
  }
}

/**
 * Checks the host's key and logs in, over a transport that belongs to the connection from then on, and is destroyed if
 * none comes about.
 *
 * @param options.timings `connect` is for this part alone
 * @param options.via a connection that ends with this one
 * @throws {DroverError} as {@link connectSsh}
 */
export async function logIn(
  target: SshTarget,
  transport: Transport,
  options: { timings: SshTimings; signal: AbortSignal | undefined; via: SshConnection | undefined },
): Promise<SshConnection> {
  const { timings, signal, via } = options;
  const handshake = new Handshake(target);
  const limit = AbortSignal.timeout(Math.max(0, Math.ceil(timings.connect)));
  try {
    const stop = signal === undefined ? limit : AbortSignal.any([limit, signal]);
    return await handshake.run(transport, via, timings, stop);
  } catch (error) {
    handshake.abandon();
    transport.on("error", () => {}).destroy();
    signal?.throwIfAborted();
    throw limit.aborted ? failures.timedOut(target, handshake.stage, timings.connect) : handshake.explain(error);
  }
}
