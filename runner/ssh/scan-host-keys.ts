import ssh2 from "ssh2";
import { unlessAborted } from "../unless-aborted.ts";
import { algorithms, hostKeyTypes } from "./algorithms.ts";
import type { Transport } from "./transport.ts";

/**
 * Asks a server for its host keys: one connection after the other, one for each type, since a server presents one key
 * at a time. Each ends with the key exchange, in which the server proves that it has the key's private half; no name
 * and no identity is sent.
 *
 * OpenSSH 9.8 and later count connections without a log-in against the address that they come from (PerSourcePenalties,
 * `noauth`), so this is for when a log-in is out of the question.
 *
 * @param open makes a new transport to the server; what it throws passes through
 * @param types of keys. @default all that can be checked
 * @returns the keys in SSH's wire form, in the order of the types; empty when the server has none of these types
 * @throws what went wrong, where not one key could be had and something else than its absence was the reason
 */
export async function scanHostKeys(
  open: () => Promise<Transport>,
  signal: AbortSignal,
  types: readonly string[] = hostKeyTypes,
): Promise<readonly Uint8Array[]> {
  const found: Uint8Array[] = [];
  let failure: unknown;
  for (const type of types) {
    const transport = await open();
    try {
      const key = await presentedKey(transport, type, signal);
      if (key !== undefined) found.push(key);
    } catch (error) {
      signal.throwIfAborted();
      failure ??= error;
    } finally {
      transport.on("error", () => {}).destroy();
    }
  }
  if (found.length === 0 && failure !== undefined) throw failure;
  return found;
}

/** @returns undefined when the server has no key of this type */
async function presentedKey(transport: Transport, type: string, signal: AbortSignal): Promise<Buffer | undefined> {
  const client = new ssh2.Client();
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | undefined>();
  let presented: Buffer | undefined;
  client.on("handshake", () => {
    // At once: ssh2 would ask for the log-in next.
    transport.destroy();
    resolve(presented);
  });
  client.on("error", (error) => {
    if (error.message.includes("no matching host key format")) resolve(undefined);
    else reject(error);
  });
  client.on("close", () => {
    reject(new Error("the server closed the connection"));
  });
  client.connect({
    sock: transport,
    username: "nobody",
    authHandler: [],
    algorithms: algorithms([type], false),
    hostVerifier: (key: Buffer) => {
      presented = key;
      return true;
    },
    readyTimeout: 0,
  });
  return await unlessAborted(promise, signal);
}
