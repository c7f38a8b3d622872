import { describe, expect, it } from "vitest";
import { Turns } from "../../../cli/build/turns.ts";

const never = new AbortController().signal;

describe("Turns", () => {
  it("lets only so many through at a time, the others in the order in which they came", async () => {
    const turns = new Turns(2);
    const order: string[] = [];
    const take = async (name: string) => {
      const turn = await turns.next(never);
      order.push(name);
      return turn;
    };
    const [first] = await Promise.all([take("a"), take("b")]);
    const waiting = [take("c"), take("d")];
    await new Promise(setImmediate);
    expect(order).toEqual(["a", "b"]);
    first?.[Symbol.dispose]();
    (await waiting[0])?.[Symbol.dispose]();
    await waiting[1];
    expect(order).toEqual(["a", "b", "c", "d"]);
  });

  it("loses no turn to somebody who has given up waiting", async () => {
    const turns = new Turns(1);
    const first = await turns.next(never);
    const impatient = new AbortController();
    const given = turns.next(impatient.signal);
    const patient = turns.next(never);
    impatient.abort(new Error("enough"));
    await expect(given).rejects.toThrow("enough");
    first[Symbol.dispose]();
    (await patient)[Symbol.dispose]();
    await turns.next(never);
  });
});
