import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type {
  HeldInspectionRequest,
  InspectionReceiver,
  InspectionRequest,
  InspectionRequests,
} from "../../../cloud/ports/inspections.ts";
import type {
  Dispatch,
  Dispatches,
  DispatchReceiver,
  FleetEvent,
  FleetEvents,
  PlanRequests,
} from "../../../cloud/ports/queues.ts";
import { inspectionId } from "./inspections.ts";

export interface OpenQueues extends AsyncDisposable {
  readonly events: FleetEvents;
  readonly plans: PlanRequests;
  readonly dispatches: Dispatches;
  readonly receiver: DispatchReceiver;
  readonly inspectionRequests: InspectionRequests;
  readonly inspectionReceiver: InspectionReceiver;
  /** How many seconds a dispatch, or a request for an inspection, is held at first. */
  readonly visibilityTimeout: number;
  /** Takes what there is in the queue, at once: each message's body. */
  takeEvents(): Promise<string[]>;
  takePlans(): Promise<string[]>;
}

let steps = 0;

/** A step id that no other test has. */
export function newStep(): string {
  return String(steps++).padStart(32, "0");
}

interface Receiver<Held> {
  receive(limit: number, signal: AbortSignal): Promise<Held[]>;
}

/** A receiver may come back empty-handed early. */
export async function receiveOne<Held>(receiver: Receiver<Held>, milliseconds = 5_000): Promise<Held | undefined> {
  const signal = AbortSignal.timeout(milliseconds);
  try {
    for (;;) {
      const [held] = await receiver.receive(1, signal);
      if (held !== undefined) return held;
    }
  } catch (error) {
    if (error !== signal.reason) throw error;
    // Until the queue has noticed that nobody waits there any more, it may still deliver to that place.
    await new Promise((resolve) => setTimeout(resolve, 100));
    return undefined;
  }
}

function passed(started: number): number {
  return (performance.now() - started) / 1000;
}

/** What the ports promise. Needs queues in which nothing else happens. */
export function describeQueues(name: string, open: () => Promise<OpenQueues>): void {
  describe(`queues in ${name}`, () => {
    let queues: OpenQueues;
    beforeAll(async () => {
      queues = await open();
    });
    afterAll(() => queues[Symbol.asyncDispose]());

    const dispatch = async (attempt = 1, step = newStep()): Promise<Dispatch> => {
      await queues.dispatches.send({ step, attempt });
      return { step, attempt };
    };

    it("delivers every event of a large list", async () => {
      const events: FleetEvent[] = [
        ...Array.from({ length: 33 }, (): FleetEvent => ({ type: "step-ready", step: newStep() })),
        { type: "attempt-finished", step: newStep(), attempt: 3 },
        { type: "step-settled", step: newStep() },
        { type: "machine-available", machine: "root@box:22" },
      ];
      await queues.events.send(events);
      const bodies: string[] = [];
      await expect
        .poll(async () => bodies.push(...(await queues.takeEvents())), { timeout: 10_000 })
        .toBeGreaterThanOrEqual(36);
      expect(bodies.toSorted()).toEqual(events.map((event) => JSON.stringify(event)).toSorted());
      await queues.events.send([]);
      expect(await queues.takeEvents()).toEqual([]);
    });

    it("holds back events for the delay", async () => {
      const started = performance.now();
      await queues.events.send([{ type: "machine-available", machine: "later" }], 1);
      expect(await queues.takeEvents()).toEqual([]);
      await expect.poll(() => queues.takeEvents(), { timeout: 4_000 }).toHaveLength(1);
      expect(passed(started)).toBeGreaterThan(0.95);
    });

    it("delivers plan requests", async () => {
      await queues.plans.send({ build: "b1" });
      expect(await queues.takePlans()).toEqual(['{"build":"b1"}']);
    });

    it("wakes a receiver that waits", async () => {
      const waiting = queues.receiver.receive(10, AbortSignal.timeout(10_000));
      await new Promise((resolve) => setTimeout(resolve, 200));
      const started = performance.now();
      const sent = await dispatch();
      const [held] = await waiting;
      expect(held?.dispatch).toEqual(sent);
      expect(held?.deliveries).toBe(1);
      expect(passed(started)).toBeLessThan(1);
      await held?.done();
    });

    it("ends waiting with the reason of the signal", async () => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(new Error("shutting down")), 50);
      await expect(queues.receiver.receive(1, controller.signal)).rejects.toThrow("shutting down");
      await expect(queues.receiver.receive(1, controller.signal)).rejects.toThrow("shutting down");
    });

    it("does not lose a dispatch to a receiver that has stopped waiting", async () => {
      expect(await receiveOne(queues.receiver, 100)).toBeUndefined();
      const sent = await dispatch();
      const held = await receiveOne(queues.receiver, 1_000);
      expect(held).toMatchObject({ dispatch: sent, deliveries: 1 });
      await held?.done();
    });

    it("gives a receiver no more than it can take, and dispatches of different steps side by side", async () => {
      for (let count = 0; count < 5; count++) await dispatch();
      const first = await queues.receiver.receive(2, AbortSignal.timeout(5_000));
      const rest = await queues.receiver.receive(100, AbortSignal.timeout(5_000));
      expect([first.length, rest.length]).toEqual([2, 3]);
      await Promise.all([...first, ...rest].map((held) => held.done()));
    });

    it("takes the same attempt sent twice for one message, and the next attempt for another", async () => {
      const sent = await dispatch(1);
      await queues.dispatches.send(sent);
      const held = await receiveOne(queues.receiver);
      expect(held?.dispatch).toEqual(sent);
      await held?.done();
      await queues.dispatches.send(sent);
      expect(await receiveOne(queues.receiver, 300)).toBeUndefined();
      const next = await dispatch(2, sent.step);
      const second = await receiveOne(queues.receiver);
      expect(second?.dispatch).toEqual(next);
      await second?.done();
    });

    it("keeps the next attempt of a step back while one is held", async () => {
      const sent = await dispatch(1);
      const held = await receiveOne(queues.receiver);
      await dispatch(2, sent.step);
      expect(await receiveOne(queues.receiver, 300)).toBeUndefined();
      await held?.done();
      const next = await receiveOne(queues.receiver);
      expect(next?.dispatch.attempt).toBe(2);
      await next?.done();
    });

    it("gives a released dispatch to the next receiver at once, and says that it is not the first delivery", async () => {
      const sent = await dispatch();
      const held = await receiveOne(queues.receiver);
      const started = performance.now();
      await held?.release();
      const again = await receiveOne(queues.receiver);
      expect(passed(started)).toBeLessThan(1);
      expect(again?.dispatch).toEqual(sent);
      expect(again?.deliveries).toBe(2);
      await held?.release();
      await again?.done();
      expect(await receiveOne(queues.receiver, 300)).toBeUndefined();
    });

    it("delivers a dispatch again when its holder falls silent, and tells the holder so", async () => {
      const sent = await dispatch();
      const held = await receiveOne(queues.receiver);
      const started = performance.now();
      const again = await receiveOne(queues.receiver, (queues.visibilityTimeout + 3) * 1000);
      expect(passed(started)).toBeGreaterThan(queues.visibilityTimeout - 0.5);
      expect(again?.dispatch).toEqual(sent);
      expect(again?.deliveries).toBe(2);
      await expect(held?.extend(5)).rejects.toMatchObject({ code: "DROVER_DISPATCH_LOST", subject: sent.step });
      await held?.release();
      expect(await receiveOne(queues.receiver, 300)).toBeUndefined();
      await again?.done();
    });

    it("keeps a dispatch for as long as its holder extends it", async () => {
      await dispatch();
      const held = await receiveOne(queues.receiver);
      const until = performance.now() + (queues.visibilityTimeout + 1) * 1000;
      while (performance.now() < until) {
        await held?.extend(queues.visibilityTimeout);
        expect(await receiveOne(queues.receiver, 400)).toBeUndefined();
      }
      await held?.done();
      expect(await receiveOne(queues.receiver, queues.visibilityTimeout * 1000 + 500)).toBeUndefined();
    });

    const inspectionRequest = async (machine: string): Promise<InspectionRequest> => {
      const request = { machine, id: inspectionId(Math.floor(Math.random() * 10_000)) };
      await queues.inspectionRequests.send(request);
      return request;
    };

    it("delivers a request for an inspection until it is done", async () => {
      const sent = await inspectionRequest("root@box:22");
      const held = await receiveOne(queues.inspectionReceiver);
      expect(held?.request).toEqual(sent);
      const again = await receiveOne(queues.inspectionReceiver, (queues.visibilityTimeout + 3) * 1000);
      expect(again?.request).toEqual(sent);
      await again?.done();
      await held?.done();
      expect(await receiveOne(queues.inspectionReceiver, queues.visibilityTimeout * 1000 + 500)).toBeUndefined();
    });

    it("delivers requests for inspections of several machines side by side, also of one machine", async () => {
      const sent = [await inspectionRequest("a"), await inspectionRequest("b"), await inspectionRequest("b")];
      const held: HeldInspectionRequest[] = [];
      while (held.length < sent.length) {
        held.push(...(await queues.inspectionReceiver.receive(2, AbortSignal.timeout(5_000))));
      }
      const byId = (requests: InspectionRequest[]) => requests.toSorted((a, b) => (a.id < b.id ? -1 : 1));
      expect(byId(held.map(({ request }) => request))).toEqual(byId(sent));
      await Promise.all(held.map((each) => each.done()));
    });

    it("ends waiting for requests for inspections with the reason of the signal", async () => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(new Error("shutting down")), 50);
      await expect(queues.inspectionReceiver.receive(1, controller.signal)).rejects.toThrow("shutting down");
    });
  });
}
