import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { unlessAborted } from "../unless-aborted.ts";
import type { SshConnection } from "./connection.ts";
import type { Transport } from "./transport.ts";

/**
 * Opens the way to a host.
 *
 * @param via the connection to the jump host before it; undefined for a host that is reached directly
 * @throws system errors of connecting; {@link RefusedTunnel} when the jump host does not get there
 */
export async function openTransport(
  { host, port }: { readonly host: string; readonly port: number },
  via: SshConnection | undefined,
  signal: AbortSignal,
): Promise<Transport> {
  signal.throwIfAborted();
  if (via !== undefined) return await via.openTunnel(host, port, signal);
  // A socket of our own, since ssh2 leaves Nagle's algorithm on, which delays small requests by up to 40 ms.
  const socket = connectTcp({ host, port, noDelay: true });
  try {
    await unlessAborted(once(socket, "connect"), signal);
    return socket;
  } catch (error) {
    // What still goes wrong with it is of no interest, but would end the process if nobody listened.
    socket.on("error", () => {}).destroy();
    throw error;
  }
}
