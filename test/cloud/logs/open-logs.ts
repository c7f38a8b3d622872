import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { directoryBlobs } from "../../../cloud/blobs/directory.ts";
import { blobLogs } from "../../../cloud/logs/blob-logs.ts";
import type { Blobs } from "../../../cloud/ports/blobs.ts";
import type { Logs } from "../../../cloud/ports/logs.ts";
import { fromBaseName } from "../../../nix/store-path.ts";

const base = "8zd6jz1p7gl91sgrk9q63pkbvm4jnnfs-hello-2.12.drv";
export const attempt = { step: base.slice(0, 32), number: 3, drvPath: fromBaseName(base) };
export const logKey = `log/${base}`;

export function segment(number: number): string {
  return `live/${attempt.step}/3/${String(number).padStart(6, "0")}`;
}

/** Logs on a real directory, with what was asked of it. */
export async function openLogs() {
  const directory = await mkdtemp(join(tmpdir(), "drover-logs-"));
  const spoolDirectory = join(directory, "spool");
  const stored = directoryBlobs({
    directory: join(directory, "blobs"),
    url: "http://127.0.0.1/blobs",
    secret: async () => Buffer.alloc(32, 1),
  });
  const puts: string[] = [];
  const faults: Fault[] = [];
  let running = 0;
  let mostAtOnce = 0;
  const blobs: Blobs = {
    ...stored,
    async put(key, body, options) {
      const fault = faults.shift();
      running += 1;
      mostAtOnce = Math.max(mostAtOnce, running);
      try {
        if (fault === "refused") throw new Error("the store is down");
        const size = await stored.put(key, body, options);
        if (fault === "answer lost") throw new Error("the answer was lost");
        puts.push(key);
        return size;
      } finally {
        running -= 1;
      }
    },
  };
  return {
    blobs,
    spoolDirectory,
    logs: blobLogs({ blobs, spoolDirectory }),
    /** Keys, in the order in which they were stored. */
    puts,
    /** What happens to the next puts, in this order. */
    faults,
    mostAtOnce: () => mostAtOnce,
    /** Waits for puts that are under way, and long enough for one that should not happen. */
    async settled(): Promise<void> {
      for (let quiet = 0; quiet < 50; quiet = running === 0 ? quiet + 1 : 0) await setImmediate();
    },
    spooled: () => readdir(spoolDirectory).catch(() => []),
    async text(key: string): Promise<string | undefined> {
      const found = await stored.get(key);
      return found && Buffer.concat(await Array.fromAsync(found.body)).toString();
    },
    async [Symbol.asyncDispose]() {
      await rm(directory, { recursive: true });
    },
  };
}

type Fault = "refused" | "answer lost";

/** Waits in real time, whatever the clock of the test says. */
export async function until(condition: () => boolean): Promise<void> {
  const begun = performance.now();
  while (!condition()) {
    if (performance.now() - begun > 5000) throw new Error("waited in vain");
    await setImmediate();
  }
}

/** Reads on until there is nothing new. */
export async function readOn(logs: Logs, finished: "no" | "verdict" | "fault", cursor?: string) {
  const pieces: string[] = [];
  let at = cursor;
  for (;;) {
    const piece = await logs.read(attempt, finished, at);
    if (piece === undefined) return { text: pieces.join(""), pieces, cursor: at };
    pieces.push(piece.text);
    at = piece.cursor;
  }
}
