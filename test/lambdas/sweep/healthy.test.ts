import { expect, test } from "vitest";
import type { AttemptOutcome } from "../../../fleet/attempt.ts";
import type { SweepReport } from "../../../lambdas/sweep/sweep.ts";
import { outcomes } from "../../cloud/contracts/samples.ts";
import { onEngines } from "../schedule/engines.ts";
import { FleetAtWork } from "../schedule/fleet-at-work.ts";
import { interceptPorts } from "../schedule/interruption.ts";

const open = onEngines();

const nothing: SweepReport = {
  stalledPlans: 0,
  forgottenBuilds: 0,
  forgottenWaiting: 0,
  undispatched: 0,
  unsettled: 0,
  unprobed: 0,
  forgottenReady: 0,
  slotDrift: [],
};

/** More steps than slots, of two systems, some waiting for others; each takes ten minutes. */
async function start(fleet: FleetAtWork): Promise<void> {
  await fleet.machines(
    { name: "itchy", maxJobs: 2 },
    { name: "scratchy", maxJobs: 1 },
    { name: "krusty", maxJobs: 1, systems: ["aarch64-linux"] },
  );
  for (const name of ["a", "b", "c", "d", "e"]) await fleet.step(name);
  await fleet.step("tool", { system: "aarch64-linux" });
  await fleet.step("app", { needs: ["a", "tool"] });
  await fleet.step("docs", { needs: ["a"], system: "aarch64-linux" });
  await fleet.step("suite", { needs: ["b", "app", "docs"] });
  await fleet.step("nowhere", { features: ["nobody-has-it"] });
  await fleet.build(["suite", "docs", "nowhere"], { keepGoing: true });
  fleet.runner = () => undefined;
}

/** Failing, dying and succeeding. */
function outcomeOf(name: string, attempt: number): AttemptOutcome {
  if (name === "c") return outcomes.derivationFailed;
  return name === "d" && attempt === 1 ? outcomes.unreachable : outcomes.built;
}

/** Sweeps that begin before each call of a port, and whose second look comes when the event has been handled. */
function watch(fleet: FleetAtWork) {
  const sweeps: Promise<SweepReport>[] = [];
  let handled = Promise.withResolvers<void>();
  const scheduling = interceptPorts(fleet.scheduling, async (_, work) => {
    const firstLook = Promise.withResolvers<void>();
    const { promise } = handled;
    const sweeping = fleet.sweep(async () => {
      firstLook.resolve();
      await promise;
    });
    sweeps.push(sweeping);
    await Promise.race([firstLook.promise, sweeping]);
    return await work();
  });
  return {
    scheduling,
    async reports(): Promise<SweepReport[]> {
      handled.resolve();
      const reports = await Promise.all(sweeps.splice(0));
      handled = Promise.withResolvers();
      return reports;
    },
  };
}

test("a healthy system has nothing to repair, at no moment of its work and not after it", async () => {
  const fleet = new FleetAtWork(await open());
  await start(fleet);
  await fleet.announce("a", "b", "c", "d", "e", "tool", "nowhere");
  await fleet.untilQuiet();

  const watched = watch(fleet);
  const all: SweepReport[] = [];
  for (let rounds = 0; rounds < 20; rounds++) {
    await fleet.plane.advance(600_000);
    await fleet.untilQuiet();
    expect(await fleet.sweep()).toEqual(nothing);
    const running = (await fleet.plane.steps.inState("assigned", fleet.plane.now() + 1, 10)).toSorted(
      (a, b) => a.changedAt - b.changedAt,
    );
    const [first] = running;
    if (first === undefined) break;
    await fleet.finish(first.name, outcomeOf(first.name, first.attempt));
    for (const message of await fleet.plane.receive("fleetEvents")) {
      await fleet.handle(JSON.parse(message.body), watched.scheduling);
      await message.done();
      all.push(...(await watched.reports()));
    }
    await fleet.untilQuiet();
  }
  expect(all.length).toBeGreaterThan(80);
  expect(new Set(all.map((report) => JSON.stringify(report)))).toEqual(new Set([JSON.stringify(nothing)]));

  await fleet.plane.advance(600_000);
  expect(await fleet.sweep()).toEqual(nothing);
  expect(await fleet.states()).toEqual({
    a: "succeeded",
    b: "succeeded",
    c: "failed",
    d: "succeeded",
    e: "succeeded",
    tool: "succeeded",
    app: "succeeded",
    docs: "succeeded",
    suite: "succeeded",
    nowhere: "ready",
  });
  expect(await fleet.plane.take("plans")).toEqual([]);
});
