import { describe, expect, it } from "vitest";
import { abortable } from "../../../nix/wire/abortable.ts";
import { chopped } from "./chopped.ts";

describe("abortable", () => {
  it("gives the items of its source", async () => {
    const source = chopped(Buffer.from("ab"), [1]);
    const chunks = [Buffer.from("a"), Buffer.from("b")];
    expect(await Array.fromAsync(abortable(source, new AbortController().signal))).toEqual(chunks);
  });

  it("ends the wait for a source that never answers, and releases the source", async () => {
    let released = false;
    const source: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: async () => await new Promise<IteratorResult<number>>(() => {}),
        async return() {
          released = true;
          return { done: true, value: undefined };
        },
      }),
    };
    const cancel = new AbortController();
    const waiting = Array.fromAsync(abortable(source, cancel.signal));
    cancel.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    expect(released).toBe(true);
  });

  it("releases its source when the reader leaves", async () => {
    let released = false;
    async function* source() {
      try {
        yield 1;
        yield 2;
      } finally {
        released = true;
      }
    }
    for await (const item of abortable(source(), new AbortController().signal)) {
      expect(item).toBe(1);
      break;
    }
    expect(released).toBe(true);
  });
});
