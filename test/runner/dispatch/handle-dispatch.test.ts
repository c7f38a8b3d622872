import { setTimeout as delay } from "node:timers/promises";
import { beforeEach, describe, expect, it } from "vitest";
import { DroverError } from "../../../nix/drover-error.ts";
import { handleDispatch } from "../../../runner/dispatch/handle-dispatch.ts";
import { built, ControlPlane, Message } from "./control-plane.ts";

const never = new AbortController().signal;
const id = "7awiywjc2mf4h57r6cz5bb22nlz5sdq8";

let plane: ControlPlane;

beforeEach(() => {
  plane = new ControlPlane();
});

describe("handleDispatch", () => {
  it("records the outcome, then reports it, then deletes the message", async () => {
    const message = new Message(id);
    await handleDispatch(
      message,
      plane.tools(async () => built),
      never,
    );
    expect(plane.calls.slice(-3)).toEqual(["log ended true", "attemptFinished", "send"]);
    expect(plane.calls).toContain("attemptStarted");
    expect(plane.events).toEqual([{ type: "attempt-finished", step: id, attempt: 1 }]);
    expect(message.fate).toEqual(["done"]);
  });

  it.each([
    ["is settled", { state: "succeeded" }],
    ["is ready again", { state: "ready", attempt: 1 }],
    ["is at a later attempt", { attempt: 2 }],
  ] as const)("leaves a step alone that %s", async (_what, step) => {
    plane.step = step;
    const message = new Message(id);
    await handleDispatch(
      message,
      plane.tools(() => Promise.reject(new Error("executed"))),
      never,
    );
    expect(message.fate).toEqual(["done"]);
    expect(plane.events).toEqual([]);
    expect(plane.calls).not.toContain("attemptStarted");
  });

  it("reports an outcome again that was recorded by a runner that died then", async () => {
    plane.attempt = { outcome: built };
    const message = new Message(id, 1, 2);
    await handleDispatch(
      message,
      plane.tools(() => Promise.reject(new Error("executed"))),
      never,
    );
    expect(plane.events).toEqual([{ type: "attempt-finished", step: id, attempt: 1 }]);
    expect(message.fate).toEqual(["done"]);
  });

  it("says that a machine is gone, as its fault", async () => {
    const tools = plane.tools(() => Promise.reject(new Error("executed")));
    await handleDispatch(new Message(id), { ...tools, machines: { get: async () => undefined } }, never);
    expect(plane.outcomes.get(`${id} 1`)).toMatchObject({
      kind: "machine-fault",
      buildBegan: false,
      fault: { code: "DROVER_MACHINE_GONE" },
    });
  });

  it("keeps an outcome until the tables and the queue take it", async () => {
    plane.failing.set("attemptFinished", 3).set("send", 2);
    const message = new Message(id);
    await handleDispatch(
      message,
      plane.tools(async () => built),
      never,
    );
    expect(plane.calls.filter((call) => call === "attemptFinished failed")).toHaveLength(3);
    expect(plane.outcomes.get(`${id} 1`)).toEqual(built);
    expect(plane.events).toHaveLength(1);
    expect(message.fate.at(-1)).toBe("done");
  });

  it("leaves the message alone when the tables do not answer at the beginning", async () => {
    plane.failing.set("get", 1);
    const message = new Message(id);
    await expect(
      handleDispatch(
        message,
        plane.tools(async () => built),
        never,
      ),
    ).rejects.toThrow("does not answer");
    expect(message.fate).toEqual([]);
  });

  it("values the outcome above the log", async () => {
    plane.failing.set("log ended true", 1);
    await handleDispatch(
      new Message(id),
      plane.tools(async () => built),
      never,
    );
    expect(plane.outcomes.get(`${id} 1`)).toEqual(built);
  });

  it("holds the message while the attempt lives, and passes on who follows its log", async () => {
    plane.attempt = { followedUntil: 5_000 };
    const message = new Message(id);
    const execute = async () => {
      await delay(50);
      plane.attempt = { followedUntil: 9_000 };
      await delay(50);
      return built;
    };
    await handleDispatch(message, plane.tools(execute), never);
    expect(message.fate.filter((each) => each === "extended 30").length).toBeGreaterThanOrEqual(3);
    expect(plane.logs[0]?.followed[0]).toBe(5_000);
    expect(plane.logs[0]?.followed.at(-1)).toBe(9_000);
    const fate = [...message.fate];
    await delay(60);
    expect(message.fate).toEqual(fate);
  });

  it("goes on when the hold can not be renewed", async () => {
    const message = new Message(id);
    message.extend = () => Promise.reject(new DroverError("DROVER_DISPATCH_LOST", "lost"));
    message.done = () => Promise.reject(new DroverError("DROVER_DISPATCH_LOST", "lost"));
    await handleDispatch(
      message,
      plane.tools(() => delay(60, built)),
      never,
    );
    expect(plane.events).toHaveLength(1);
  });

  it("breaks off when somebody else has finished the attempt", async () => {
    const message = new Message(id);
    let reason: unknown;
    const execute = async (_task: unknown, signal: AbortSignal): Promise<never> => {
      plane.outcomes.set(`${id} 1`, { ...built, status: "AlreadyValid" });
      await delay(10_000, undefined, { signal }).catch(() => {});
      reason = signal.reason;
      throw signal.reason;
    };
    await handleDispatch(message, plane.tools(execute), never);
    expect(reason).toMatchObject({ message: "the attempt has an outcome already" });
    expect(plane.outcomes.get(`${id} 1`)).toMatchObject({ status: "AlreadyValid" });
    expect(message.fate.at(-1)).toBe("done");
  });

  it("records nothing when it is stopped", async () => {
    const stop = new AbortController();
    const execute = async (_task: unknown, signal: AbortSignal): Promise<never> => {
      stop.abort(new Error("stopped"));
      throw signal.reason;
    };
    const message = new Message(id);
    await expect(handleDispatch(message, plane.tools(execute), stop.signal)).rejects.toThrow("stopped");
    expect(plane.outcomes.size).toBe(0);
    expect(plane.events).toEqual([]);
    expect(message.fate).toEqual([]);
  });
});
