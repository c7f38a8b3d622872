import { setTimeout as delay } from "node:timers/promises";
import { beforeEach, describe, expect, it } from "vitest";
import { type DispatchLoop, runDispatches } from "../../../runner/dispatch/run-dispatches.ts";
import { type RunnerLog, silentLog } from "../../../runner/log.ts";
import { noUpgrades, type Upgrades } from "../../../runner/upgrade/upgrades.ts";
import { MemoryReceiver, Message } from "./control-plane.ts";

let receiver: MemoryReceiver;
let drain: AbortController;
let stop: AbortController;

beforeEach(() => {
  receiver = new MemoryReceiver();
  drain = new AbortController();
  stop = new AbortController();
});

function run(
  handle: DispatchLoop["handle"],
  changes: { capacity?: number; drainLimit?: number; upgrades?: Upgrades; log?: RunnerLog } = {},
): Promise<void> {
  const defaults = { capacity: 64, drainLimit: 5_000, upgrades: noUpgrades, log: silentLog };
  const loop = { receiver, handle, ...defaults, ...changes };
  return runDispatches(loop, drain.signal, stop.signal);
}

function messages(count: number): Message[] {
  return Array.from({ length: count }, (_, index) => new Message(`step-${index}`));
}

describe("runDispatches", () => {
  it("never runs more attempts than it has room for, and never asks for more messages than that", async () => {
    let running = 0;
    let most = 0;
    let finished = 0;
    receiver.send(...messages(20));
    const running_ = run(
      async () => {
        most = Math.max(most, ++running);
        await delay(5);
        running -= 1;
        finished += 1;
      },
      { capacity: 3 },
    );
    await expect.poll(() => finished).toBe(20);
    drain.abort();
    await running_;
    expect(most).toBe(3);
    expect(Math.max(...receiver.limits)).toBe(3);
  });

  it("asks for ten messages at most, the queue's limit", async () => {
    const running = run(async () => {});
    await expect.poll(() => receiver.limits.length).toBeGreaterThan(0);
    drain.abort();
    await running;
    expect(receiver.limits).toEqual([10]);
  });

  it("goes on when the queue does not answer for a while", async () => {
    receiver.failures = 1;
    const [message] = messages(1);
    if (message !== undefined) receiver.send(message);
    let handled = 0;
    const running = run(async () => {
      handled += 1;
    });
    await expect.poll(() => handled, { timeout: 3_000 }).toBe(1);
    drain.abort();
    await running;
  });

  it("has an attempt that could not be carried out delivered again later, ever later", async () => {
    const first = new Message("step", 1, 1);
    const fourth = new Message("step", 1, 4);
    const hundredth = new Message("step", 1, 100);
    receiver.send(first, fourth, hundredth);
    const running = run(() => Promise.reject(new Error("the tables do not answer")));
    await expect.poll(() => hundredth.fate.length).toBe(1);
    drain.abort();
    await running;
    expect([first.fate, fourth.fate, hundredth.fate]).toEqual([["extended 5"], ["extended 40"], ["extended 300"]]);
  });

  it("lets what runs finish when it drains, and takes nothing new", async () => {
    const [old, late] = messages(2);
    if (old === undefined || late === undefined) throw new Error("no messages");
    const finished: string[] = [];
    receiver.send(old);
    const running = run(async ({ dispatch }) => {
      await delay(100);
      finished.push(dispatch.step);
    });
    await expect.poll(() => receiver.limits.length).toBe(2);
    drain.abort();
    receiver.send(late);
    await running;
    expect(finished).toEqual(["step-0"]);
    expect(late.fate).toEqual([]);
  });

  it("breaks off what has not finished when the time to drain is over, and gives it back", async () => {
    const [message] = messages(1);
    if (message === undefined) throw new Error("no message");
    receiver.send(message);
    const started = performance.now();
    const running = run(
      async (_message, signal) => {
        await delay(60_000, undefined, { signal });
      },
      { drainLimit: 100 },
    );
    await expect.poll(() => receiver.limits.length).toBe(2);
    drain.abort();
    await running;
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(message.fate).toEqual(["released"]);
  });

  it("takes nothing new when it is superseded, and lets what runs take longer than the drain limit", async () => {
    const [old, late] = messages(2);
    if (old === undefined || late === undefined) throw new Error("no messages");
    const superseded = new AbortController();
    const finishing = Promise.withResolvers<void>();
    receiver.send(old);
    const running = run((message) => finishing.promise.then(() => message.done()), {
      drainLimit: 20,
      upgrades: { ...noUpgrades, superseded: superseded.signal },
    });
    await expect.poll(() => receiver.limits.length).toBe(2);
    superseded.abort();
    receiver.send(late);
    await delay(200);
    expect(old.fate).toEqual([]);
    finishing.resolve();
    await running;
    expect([old.fate, late.fate]).toEqual([["done"], []]);
  });

  it("says when each attempt begins and ends, and when the queue has answered", async () => {
    const events: string[] = [];
    const upgrades: Upgrades = {
      ...noUpgrades,
      inTouch: () => events.push("in touch"),
      begin: () => {
        events.push("begin");
        return { [Symbol.dispose]: () => events.push("end") };
      },
    };
    const both = messages(2);
    const work = async ({ dispatch }: { dispatch: { step: string } }) => {
      events.push(dispatch.step);
      if (dispatch.step === "step-1") throw new Error("the tables do not answer");
    };
    receiver.send(...both);
    const running = run(work, { capacity: 2, upgrades });
    await expect.poll(() => events.filter((event) => event === "end").length).toBe(2);
    expect(events).toEqual(["in touch", "begin", "step-0", "begin", "step-1", "end", "end"]);
    drain.abort();
    await running;
  });

  it("has a limit again when it is told to drain after it was superseded", async () => {
    const [message] = messages(1);
    if (message === undefined) throw new Error("no message");
    const superseded = new AbortController();
    receiver.send(message);
    const running = run((_message, signal) => delay(60_000, undefined, { signal }), {
      drainLimit: 20,
      upgrades: { ...noUpgrades, superseded: superseded.signal },
    });
    await expect.poll(() => receiver.limits.length).toBe(2);
    superseded.abort();
    await delay(100);
    expect(message.fate).toEqual([]);
    drain.abort();
    await running;
    expect(message.fate).toEqual(["released"]);
  });

  it("hands back what does not come to rest, too, with one line for each", async () => {
    const lines: unknown[] = [];
    const log = {
      ...silentLog,
      info: (...line: unknown[]) => lines.push(line),
      warn: (...line: unknown[]) => lines.push(line),
    };
    const both = messages(2);
    receiver.send(...both);
    const started = performance.now();
    const running = run(() => new Promise(() => {}), { drainLimit: 20, log });
    await expect.poll(() => receiver.limits.length).toBe(2);
    drain.abort();
    await running;
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(both.map(({ fate }) => fate)).toEqual([["released"], ["released"]]);
    expect(lines).toEqual([
      ["finishing the attempts that run", { running: 2 }],
      ["handed an attempt back", { step: "step-0", attempt: 1, why: expect.stringContaining("has to stop") }],
      ["handed an attempt back", { step: "step-1", attempt: 1, why: expect.stringContaining("has to stop") }],
    ]);
  });

  it("breaks off at once when it is stopped", async () => {
    const [message] = messages(1);
    if (message === undefined) throw new Error("no message");
    receiver.send(message);
    const running = run(async (_message, signal) => {
      await delay(60_000, undefined, { signal });
    });
    await expect.poll(() => receiver.limits.length).toBe(2);
    stop.abort(new Error("now"));
    await running;
    expect(message.fate).toEqual(["released"]);
  });
});
