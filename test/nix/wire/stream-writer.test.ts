import { Writable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { StreamWriter } from "../../../nix/wire/stream-writer.ts";

/** A stream that takes one chunk at a time and only when told to. */
class Tap extends Writable {
  readonly taken: string[] = [];
  #open: (() => void) | undefined;

  constructor() {
    super({ highWaterMark: 4 });
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.taken.push(chunk.toString());
    this.#open = done;
  }

  open(): void {
    this.#open?.();
  }
}

const unaborted = new AbortController().signal;

describe("StreamWriter", () => {
  it("waits while the stream is full and goes on when it drains", async () => {
    const tap = new Tap();
    const writer = new StreamWriter(tap, unaborted);
    let written = false;
    const writing = writer.write(Buffer.from("12345")).then(() => (written = true));
    await turn();
    expect(written).toBe(false);
    tap.open();
    await writing;
    expect(tap.taken).toEqual(["12345"]);
  });

  it("fails the waiting write when the stream fails, closes silently, or the signal is aborted", async () => {
    const cause = new Error("EPIPE");
    const failing = new Tap();
    const write = new StreamWriter(failing, unaborted).write(Buffer.from("12345"));
    failing.destroy(cause);
    await expect(write).rejects.toMatchObject({ code: "DROVER_WIRE_LOST", cause });

    const closing = new Tap();
    const closed = new StreamWriter(closing, unaborted).write(Buffer.from("12345"));
    closing.destroy();
    await expect(closed).rejects.toMatchObject({ code: "DROVER_WIRE_LOST" });

    const cancel = new AbortController();
    const aborted = new StreamWriter(new Tap(), cancel.signal).write(Buffer.from("12345"));
    cancel.abort(new Error("enough"));
    await expect(aborted).rejects.toThrow("enough");
  });

  it("refuses to write to a stream that was closed before it came", async () => {
    const tap = new Tap();
    tap.destroy();
    await turn();
    await expect(new StreamWriter(tap, unaborted).write(Buffer.from("12345"))).rejects.toMatchObject({
      code: "DROVER_WIRE_LOST",
    });
  });
});
