import { setTimeout as delay } from "node:timers/promises";
import { DroverError } from "../drover-error.ts";
import type { ByteReader } from "../wire/byte-reader.ts";
import { WireEncoder } from "../wire/encoder.ts";
import type { StreamWriter } from "../wire/stream-writer.ts";
import { formatServeVersion, OLDEST_SERVE_VERSION, type ServeVersion } from "./version.ts";

export const CLIENT_MAGIC = 0x390c9debn;
export const SERVER_MAGIC = 0x5452eecbn;

/** How much of what is no greeting is shown, and how long is waited for it. */
const NOISE_BYTES = 400;
const NOISE_MILLISECONDS = 500;

export interface Greeting {
  readonly serverVersion: ServeVersion;
  /** The lower of the server's and the announced version: what all layouts follow. */
  readonly version: ServeVersion;
}

/**
 * Exchanges magic numbers and versions with `nix-store --serve`. The version is announced after the server's is known
 * (it costs no round trip, the server answers the magic alone), because servers that say 2.6 or 2.7 may send the
 * layouts of 2.6 to a client that announced less.
 *
 * @throws DROVER_SERVE_NOISE, DROVER_SERVE_VERSION; DROVER_SERVE_CLOSED when there is no greeting at all.
 */
export async function greet(reader: ByteReader, writer: StreamWriter, announce: ServeVersion): Promise<Greeting> {
  await writer.write(new WireEncoder().u64(CLIENT_MAGIC).toBuffer());
  const first = await readUpTo(reader, 8);
  if (first.length === 0) throw silent();
  if (first.length < 8 || first.readBigUInt64LE() !== SERVER_MAGIC) {
    // With its input at an end, whatever runs there instead has nothing to wait for.
    writer.end();
    throw noisy(Buffer.concat([first, await restOfNoise(reader)]));
  }
  const serverVersion = await reader.number(0xffff);
  if (serverVersion >> 8 !== 2 || serverVersion < OLDEST_SERVE_VERSION) {
    throw new DroverError(
      "DROVER_SERVE_VERSION",
      `the machine's Nix speaks serve protocol ${formatServeVersion(serverVersion)}`,
      { remedy: "Install Nix 2.3 or later on the machine: version 2.5 to 2.8 of the protocol is understood." },
    );
  }
  const announced = serverVersion >= 0x206 ? Math.max(announce, 0x206) : announce;
  await writer.write(new WireEncoder().u64(announced).toBuffer());
  return { serverVersion, version: Math.min(serverVersion, announced) };
}

/** Up to `n` bytes; fewer only when the stream ends before. */
async function readUpTo(reader: ByteReader, n: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (let left = n; left > 0 && !(await reader.atEnd());) {
    const chunk = await reader.some(left);
    left -= chunk.length;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function restOfNoise(reader: ByteReader): Promise<Uint8Array> {
  const buffered = Buffer.from(reader.bufferedBytes());
  const patience = new AbortController();
  const rest = readUpTo(reader, NOISE_BYTES).catch(() => buffered);
  const waited = delay(NOISE_MILLISECONDS, buffered, { signal: patience.signal }).catch(() => buffered);
  try {
    return await Promise.race([rest, waited]);
  } finally {
    patience.abort();
  }
}

function noisy(noise: Buffer): DroverError {
  const text = JSON.stringify(noise.subarray(0, NOISE_BYTES).toString("utf8"));
  return new DroverError("DROVER_SERVE_NOISE", `instead of Nix's greeting the machine sent ${text}`, {
    remedy:
      "Make the remote user's shell print nothing for commands (.bashrc, .zshenv, a forced command, nologin), " +
      "and check that the remote program is nix-store.",
  });
}

function silent(): DroverError {
  return new DroverError("DROVER_SERVE_CLOSED", "the connection closed before Nix's greeting", {
    remedy: "Read what ssh and the remote shell wrote: usually nix-store is not in the PATH of non-interactive shells.",
  });
}
