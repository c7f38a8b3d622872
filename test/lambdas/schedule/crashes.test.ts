import { describe, expect, test } from "vitest";
import type { AttemptOutcome } from "../../../fleet/attempt.ts";
import { outcomes } from "../../cloud/contracts/samples.ts";
import { onEngines } from "./engines.ts";
import { FleetAtWork } from "./fleet-at-work.ts";
import { Interruption } from "./interruption.ts";

const open = onEngines();

interface Scenario {
  readonly keepGoing?: boolean;
  /** What becomes of a step's attempts, in their order; built is the default. */
  readonly outcomes?: Readonly<Record<string, readonly AttemptOutcome[]>>;
  readonly states: Readonly<Record<string, string>>;
  readonly build: object;
  /** Attempts of all steps. */
  readonly attempts: number;
}

/** Two systems, so that a step that becomes ready is not always one for the machine that has just become free. */
async function start(fleet: FleetAtWork, { keepGoing = false, outcomes: planned = {} }: Scenario) {
  await fleet.machines(
    { name: "itchy", maxJobs: 1 },
    { name: "scratchy", maxJobs: 1 },
    { name: "krusty", maxJobs: 1, systems: ["aarch64-linux"] },
  );
  await fleet.step("lib");
  await fleet.step("tool", { system: "aarch64-linux" });
  await fleet.step("app", { needs: ["lib", "tool"] });
  await fleet.step("docs", { needs: ["lib"], system: "aarch64-linux" });
  const build = await fleet.build(["app", "docs"], { keepGoing });
  await fleet.announce("lib", "tool");
  fleet.runner = ({ name }, { number }) => planned[name]?.[number - 1] ?? outcomes.built;
  return build;
}

const scenarios: Record<string, Scenario> = {
  "a graph that succeeds": {
    states: { lib: "succeeded", tool: "succeeded", app: "succeeded", docs: "succeeded" },
    build: { state: "succeeded" },
    attempts: 4,
  },
  "a graph of which a part fails": {
    keepGoing: true,
    outcomes: { lib: [outcomes.derivationFailed] },
    states: { lib: "failed", tool: "succeeded", app: "dependency-failed", docs: "dependency-failed" },
    build: { state: "failed", failure: { kind: "steps", steps: [{ name: "lib" }] } },
    attempts: 2,
  },
  "a machine's fault": {
    outcomes: { lib: [outcomes.died] },
    states: { lib: "succeeded", tool: "succeeded", app: "succeeded", docs: "succeeded" },
    build: { state: "succeeded" },
    attempts: 5,
  },
};

/** Works on until nothing happens any more, and lets the sweep repair what a redelivery does not. */
async function finish(fleet: FleetAtWork): Promise<number> {
  let sweeps = 0;
  for (;;) {
    await fleet.untilQuiet();
    const states = Object.values(await fleet.states());
    if (states.every((state) => /succeeded|failed/.test(state)) || sweeps === 3) return sweeps;
    await fleet.plane.advance(70_000);
    await fleet.sweep();
    sweeps += 1;
  }
}

describe.each(Object.entries(scenarios))("%s", (_, scenario) => {
  test("ends alike, whatever call of a port the function is cut off after", { timeout: 60_000 }, async () => {
    const plane = await open();
    const calls: string[] = [];
    for (let after = 0; ; after++) {
      const fleet = new FleetAtWork(plane);
      const build = await start(fleet, scenario);
      const interruption = new Interruption(after, "writes");
      await fleet.untilQuiet(interruption.ports(fleet.scheduling));
      const sweeps = await finish(fleet);

      const last = interruption.happened ? interruption.calls.at(-1) : undefined;
      const where = `cut off after write ${after}, ${last}`;
      expect(await fleet.states(), where).toEqual(scenario.states);
      expect(await fleet.plane.builds.get(build.id), where).toMatchObject(scenario.build);
      expect(await fleet.slots(), where).toEqual({ itchy: 0, scratchy: 0, krusty: 0 });
      expect([...fleet.settlements.values()], where).toEqual(Array.from({ length: scenario.attempts }, () => 1));
      expect(fleet.attempts, where).toHaveLength(scenario.attempts);
      // Whoever has claimed a step of another event's message, and crashed, is the one that only the sweep makes good.
      if (last !== "steps.claim") expect(sweeps, where).toBe(0);
      if (!interruption.happened) {
        calls.push(...interruption.calls);
        break;
      }
      // Back-offs end, and with them the last messages.
      await plane.advance(600_000);
      await fleet.untilQuiet();
    }
    expect(calls.length).toBeGreaterThan(20);
  });
});
