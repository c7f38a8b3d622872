import { setTimeout as delay } from "node:timers/promises";
import { beforeEach, describe, expect, it } from "vitest";
import type { HeldInspectionRequest, InspectionReceiver } from "../../../cloud/ports/inspections.ts";
import type { FleetEvent } from "../../../cloud/ports/queues.ts";
import type { Inspection } from "../../../fleet/inspection.ts";
import { type InspectionLoop, runInspections } from "../../../runner/inspection/run-inspections.ts";
import { silentLog } from "../../../runner/log.ts";
import { machineOf } from "../dispatch/control-plane.ts";

/** A queue that hands out what it is given; what becomes of it is written down with all else, in order. */
class Requests implements InspectionReceiver {
  readonly limits: number[] = [];
  readonly #waiting: string[] = [];
  readonly #history: string[];
  #arrived = Promise.withResolvers<void>();

  constructor(history: string[]) {
    this.#history = history;
  }

  send(...machines: string[]): void {
    this.#waiting.push(...machines);
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers<void>();
  }

  async receive(limit: number, signal: AbortSignal): Promise<HeldInspectionRequest[]> {
    this.limits.push(limit);
    if (this.#waiting.length === 0) {
      const aborted = new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      });
      await Promise.race([this.#arrived.promise, aborted]);
    }
    return this.#waiting.splice(0, limit).map((machine) => ({
      request: { machine, id: `id-of-${machine}` },
      done: async () => {
        this.#history.push(`done ${machine}`);
      },
    }));
  }
}

let history: string[];
let requests: Requests;
let drain: AbortController;
let stop: AbortController;

beforeEach(() => {
  history = [];
  requests = new Requests(history);
  drain = new AbortController();
  stop = new AbortController();
});

function loopWith(different: Partial<InspectionLoop> = {}): Promise<void> {
  const loop: InspectionLoop = {
    receiver: requests,
    machines: { get: async (name) => (name === "gone" ? undefined : machineOf(name)) },
    inspections: {
      record: async ({ machine, id }) => {
        history.push(`recorded ${machine} ${id}`);
      },
    },
    events: {
      send: async (events: readonly FleetEvent[]) => {
        history.push(...events.map((event) => JSON.stringify(event)));
      },
    },
    inspect: async ({ name, version }, id) => inspectionOf(name, version, id),
    capacity: 8,
    drainLimit: 5_000,
    log: silentLog,
    ...different,
  };
  return runInspections(loop, drain.signal, stop.signal);
}

function inspectionOf(machine: string, version: number, id: string): Inspection {
  return { id, machine, version, startedAt: 1, finishedAt: 2, checks: [], hostKeys: [] };
}

describe("runInspections", () => {
  it("records what it found, reports it, and forgets the request, in this order", async () => {
    requests.send("itchy");
    const running = loopWith();
    await expect.poll(() => history.at(-1)).toBe("done itchy");
    drain.abort();
    await running;
    expect(history).toEqual([
      "recorded itchy id-of-itchy",
      '{"type":"machine-inspected","machine":"itchy"}',
      "done itchy",
    ]);
  });

  it("drops requests for a machine that is gone", async () => {
    requests.send("gone");
    const running = loopWith();
    await expect.poll(() => history).toEqual(["done gone"]);
    drain.abort();
    await running;
  });

  it.each([
    ["the machine can not be read", { machines: { get: () => Promise.reject(new Error("no answer")) } }, []],
    ["the inspection itself fails", { inspect: () => Promise.reject(new Error("a bug")) }, []],
    ["it can not be recorded", { inspections: { record: () => Promise.reject(new Error("no answer")) } }, []],
    [
      "it can not be reported",
      { events: { send: () => Promise.reject(new Error("no answer")) } },
      ["recorded itchy id-of-itchy"],
    ],
  ])("leaves the request to come back when %s, and goes on", async (_what, different, before) => {
    requests.send("itchy");
    const running = loopWith(different);
    await expect.poll(() => requests.limits.length).toBe(2);
    await delay(20);
    requests.send("gone");
    await expect.poll(() => requests.limits.length).toBe(3);
    drain.abort();
    await running;
    expect(history.filter((each) => !each.endsWith("gone"))).toEqual(before);
  });

  it("inspects so many machines at a time and no more", async () => {
    let running = 0;
    let most = 0;
    requests.send(...Array.from({ length: 12 }, (_, index) => `m${index}`));
    const looping = loopWith({
      capacity: 3,
      inspect: async ({ name, version }, id) => {
        most = Math.max(most, ++running);
        await delay(5);
        running -= 1;
        return inspectionOf(name, version, id);
      },
    });
    await expect.poll(() => history.filter((each) => each.startsWith("done")).length).toBe(12);
    drain.abort();
    await looping;
    expect(most).toBe(3);
  });

  it("lets what runs finish when it drains, and breaks it off when it is stopped", async () => {
    const inspect = async ({ name, version }: { name: string; version: number }, id: string, signal: AbortSignal) => {
      await delay(name === "quick" ? 60 : 60_000, undefined, { signal });
      return inspectionOf(name, version, id);
    };
    requests.send("quick", "endless");
    const running = loopWith({ inspect });
    await expect.poll(() => requests.limits.length).toBe(2);
    drain.abort();
    await expect.poll(() => history.at(-1)).toBe("done quick");
    stop.abort(new Error("now"));
    await running;
    expect(history.some((each) => each.includes("endless"))).toBe(false);
  });
});
