import { abortable } from "../wire/abortable.ts";
import { WireEncoder } from "../wire/encoder.ts";
import type { StreamWriter } from "../wire/stream-writer.ts";
import type { NewPath } from "./add-to-store.ts";
import { sendNar } from "./upload.ts";

/** "NIXE": stands between a NAR and what is said about its path. */
const EXPORT_MAGIC = 0x4558494en;

/** Writes the stream that `nix-store --import` reads. Paths that refer to others come after them. */
export async function sendExportStream(
  writer: StreamWriter,
  paths: AsyncIterable<NewPath> | Iterable<NewPath>,
  ended: AbortSignal,
): Promise<void> {
  for await (const { info, nar } of abortable(paths, ended)) {
    await writer.write(new WireEncoder().u64(1).toBuffer());
    await sendNar(writer, info, nar, ended);
    const encoder = new WireEncoder().u64(EXPORT_MAGIC).string(info.path).sortedStrings(info.references);
    await writer.write(
      encoder
        .string(info.deriver ?? "")
        .u64(0)
        .toBuffer(),
    );
  }
  await writer.write(new WireEncoder().u64(0).toBuffer());
}
