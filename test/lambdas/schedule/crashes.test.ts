import { expect, test } from "vitest";
import type { AttemptOutcome } from "../../../fleet/attempt.ts";
import { outcomes } from "../../cloud/contracts/samples.ts";
import { type ControlPlane, onEngines } from "./engines.ts";
import { FleetAtWork } from "./fleet-at-work.ts";
import { Interruption } from "./interruption.ts";

const open = onEngines();

/** What becomes of a step's attempts, in their order. All others are built. */
const planned: Readonly<Record<string, readonly AttemptOutcome[]>> = {
  lib: [outcomes.died, outcomes.built],
  app: [outcomes.derivationFailed],
};

/** Two systems, so that a step that becomes ready is not always one for the machine that has just become free. */
async function start(fleet: FleetAtWork) {
  await fleet.machines(
    { name: "itchy", maxJobs: 1 },
    { name: "scratchy", maxJobs: 1 },
    { name: "krusty", maxJobs: 1, systems: ["aarch64-linux"] },
  );
  await fleet.step("lib");
  await fleet.step("app", { needs: ["lib"] });
  await fleet.step("docs", { needs: ["lib"], system: "aarch64-linux" });
  await fleet.step("suite", { needs: ["app", "docs"] });
  const build = await fleet.build(["suite", "docs"], { keepGoing: true });
  await fleet.announce("lib");
  fleet.runner = ({ name }, { number }) => planned[name]?.[number - 1] ?? outcomes.built;
  return build;
}

/** Works on until nothing happens any more, and lets the sweep repair what a redelivery does not. */
async function finish(fleet: FleetAtWork): Promise<number> {
  for (let sweeps = 0; ; sweeps++) {
    await fleet.untilQuiet();
    const states = Object.values(await fleet.states());
    if (states.every((state) => /succeeded|failed/.test(state)) || sweeps === 3) return sweeps;
    await fleet.plane.advance(70_000);
    await fleet.sweep();
  }
}

/** One life of the graph. @returns the writes of a function that was not cut off before the end */
async function live(plane: ControlPlane, after: number): Promise<readonly string[] | undefined> {
  const fleet = new FleetAtWork(plane);
  const build = await start(fleet);
  const interruption = new Interruption(after, "writes");
  await fleet.untilQuiet(interruption.ports(fleet.scheduling));
  const sweeps = await finish(fleet);

  const last = interruption.happened ? interruption.calls.at(-1) : undefined;
  const where = `cut off after write ${after}, ${last}`;
  expect(await fleet.states(), where).toEqual({
    lib: "succeeded",
    app: "failed",
    docs: "succeeded",
    suite: "dependency-failed",
  });
  expect(await plane.builds.get(build.id), where).toMatchObject({
    state: "failed",
    waitingOn: [],
    failure: { kind: "steps", steps: [{ step: fleet.id("app"), name: "app" }] },
  });
  const { steps } = await plane.builds.steps(build.id, 10);
  expect(Object.fromEntries(steps.map(({ name, state }) => [name, state])), where).toEqual(await fleet.states());
  expect(await fleet.slots(), where).toEqual({ itchy: 0, scratchy: 0, krusty: 0 });
  expect([...fleet.settlements.values()], where).toEqual([1, 1, 1, 1]);
  expect(fleet.attempts, where).toHaveLength(4);
  // Who has claimed a slot for a step of another event's message, and crashed, is all that only the sweep makes good.
  expect(sweeps, where).toBeLessThanOrEqual(last === "steps.claim" ? 1 : 0);

  // Back-offs end, and with them the last messages.
  await plane.advance(600_000);
  await fleet.untilQuiet();
  return interruption.happened ? undefined : interruption.calls;
}

test("whatever a function that is cut off has written, the end is the same", { timeout: 120_000 }, async () => {
  const writes = new Set<string>();
  let next = 0;
  const lane = async (): Promise<void> => {
    const plane = await open();
    while (writes.size === 0) for (const write of (await live(plane, next++)) ?? []) writes.add(write);
  };
  await Promise.all([lane(), lane(), lane()]);
  expect(writes).toEqual(
    new Set([
      "steps.claim",
      "dispatches.send",
      "builds.reflect",
      "steps.settle",
      "steps.apply",
      "events.send",
      "builds.targetSettled",
    ]),
  );
});
