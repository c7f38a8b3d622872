import { DroverError } from "../drover-error.ts";
import { abortable } from "../wire/abortable.ts";
import type { ByteReader } from "../wire/byte-reader.ts";
import { WireEncoder } from "../wire/encoder.ts";
import type { StreamWriter } from "../wire/stream-writer.ts";
import { encodeAddToStoreNar, type NewPath, type NewPathInfo } from "./add-to-store.ts";
import type { Exchange } from "./channel.ts";
import { SERVE_COMMAND } from "./command.ts";

/**
 * Writes a NAR of exactly `info.narSize` bytes, which is what the other side will read.
 *
 * @throws DROVER_NAR_SIZE before more than that is written, or when the NAR ends before.
 */
export async function sendNar(
  writer: StreamWriter,
  info: NewPathInfo,
  nar: AsyncIterable<Uint8Array>,
  ended: AbortSignal,
): Promise<void> {
  let left = info.narSize;
  for await (const chunk of abortable(nar, ended)) {
    left -= chunk.length;
    if (left < 0) throw wrongSize(info, "more");
    await writer.write(chunk);
  }
  if (left > 0) throw wrongSize(info, "fewer");
}

/**
 * Several `AddToStoreNar` in one go: the next path is sent while the answer to the last is still on its way, so that
 * hundreds of small inputs cost one round trip and not hundreds. The server notices nothing of it, it finds the next
 * command in its input. Paths that refer to others come after them.
 */
export class Uploads implements Exchange<void> {
  readonly signal: AbortSignal | undefined;
  readonly #paths: AsyncIterable<NewPath> | Iterable<NewPath>;
  readonly #ended: AbortSignal;
  /** Sent, or being sent, and not yet answered; the oldest first. */
  readonly #unanswered: string[] = [];
  #allSent = false;
  #changed = Promise.withResolvers<void>();

  constructor(paths: AsyncIterable<NewPath> | Iterable<NewPath>, ended: AbortSignal, signal?: AbortSignal) {
    this.#paths = paths;
    this.#ended = ended;
    this.signal = signal;
  }

  get command(): string {
    const path = this.#unanswered[0];
    return path === undefined ? "AddToStoreNar" : `AddToStoreNar of ${path}`;
  }

  async send(writer: StreamWriter): Promise<void> {
    for await (const { info, nar } of abortable(this.#paths, this.#ended)) {
      const encoder = new WireEncoder().u64(SERVE_COMMAND.addToStoreNar);
      encodeAddToStoreNar(encoder, info);
      this.#unanswered.push(info.path);
      this.#change();
      await writer.write(encoder.toBuffer());
      await sendNar(writer, info, nar, this.#ended);
    }
    this.#allSent = true;
    this.#change();
  }

  async receive(reader: ByteReader): Promise<void> {
    for (;;) {
      const { promise } = this.#changed;
      if (this.#unanswered.length > 0) {
        await expectOne(reader, this.command);
        this.#unanswered.shift();
      } else if (this.#allSent) return;
      else await promise;
    }
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

/** The reply of commands that have nothing to say. */
export async function expectOne(reader: ByteReader, command: string): Promise<void> {
  const reply = await reader.u64();
  if (reply === 1n) return;
  throw new DroverError("DROVER_WIRE", `the reply to ${command} is ${reply} where only 1 may come`, {
    subject: command,
    remedy: "Check that nothing else writes into the connection.",
  });
}

function wrongSize({ path, narSize }: NewPathInfo, comparison: "more" | "fewer"): DroverError {
  return new DroverError(
    "DROVER_NAR_SIZE",
    `the NAR of ${path} has ${comparison} than the ${narSize} bytes announced`,
    {
      subject: path,
      remedy: "Read the path's information and its NAR from the same place.",
    },
  );
}
