import type { Blobs } from "../ports/blobs.ts";
import type { Logs } from "../ports/logs.ts";
import { parseCursor } from "./cursor.ts";
import { derivationLogKey } from "./keys.ts";
import { readSegments, readWhole } from "./read-log.ts";
import { BlobLogWriter } from "./writer.ts";

export interface BlobLogsOptions {
  readonly blobs: Blobs;
  /** Where logs beyond 256 KiB wait in files until their attempts end; made when the first does. */
  readonly spoolDirectory: string;
  /**
   * Milliseconds since the epoch.
   *
   * @default Date.now
   */
  readonly clock?: () => number;
}

/**
 * Logs in the binary cache: `log/<drv>` for a derivation with a verdict, as Nix looks for it, and
 * `live/<step>/<attempt>/<000000>` for what an attempt has said so far. Both are the same bytes, so that whoever reads
 * along goes over from the one to the other by the number of bytes read.
 */
export function blobLogs({ blobs, spoolDirectory, clock = Date.now }: BlobLogsOptions): Logs {
  return {
    open: (attempt) => new BlobLogWriter({ blobs, attempt, spoolDirectory, clock }),

    async read(attempt, finished, cursor) {
      const place = parseCursor(cursor);
      if (finished === "verdict") {
        const piece = await readWhole(blobs, attempt, place);
        if (piece !== "missing") return piece;
        // The builder said nothing, or the log could not be stored: there may be segments of it.
      }
      return await readSegments(blobs, attempt, place);
    },

    async ofDerivation(drvPath) {
      const found = await blobs.get(derivationLogKey(drvPath));
      return found?.body;
    },
  };
}
