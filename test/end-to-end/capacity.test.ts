import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mostAtOnce } from "../machines/probe.ts";
import { type Stack, startStack } from "./stack.ts";

const slots = { itchy: 2, scratchy: 3, poochie: 1 };
const count = 60;
const seconds = 2;

let stack: Stack;
beforeAll(async () => {
  const machines = Object.entries(slots).map(([name, maxJobs]) => ({ name, maxJobs }));
  stack = await startStack({ machines });
});
afterAll(() => stack[Symbol.asyncDispose]());

describe("the slots of a fleet", () => {
  it("are never exceeded and never idle while steps wait, measured on the machines", async () => {
    const drvPaths = await stack.instantiate("probe", { count, seconds, probeFile: stack.fleet.probeFile });
    const id = await stack.submit(drvPaths);
    expect(await stack.finished(id, 90)).toMatchObject({ state: "succeeded", steps: { succeeded: count } });

    const probes = await stack.fleet.probes();
    expect(probes.filter(({ kind }) => kind === "end")).toHaveLength(count);
    for (const [machine, maxJobs] of Object.entries(slots)) expect(mostAtOnce(probes, machine), machine).toBe(maxJobs);

    const total = Object.values(slots).reduce((sum, each) => sum + each, 0);
    const ideal = (count * seconds) / total;
    const times = probes.map(({ at }) => at / 1000);
    expect(Math.max(...times) - Math.min(...times), await whatHappened(id)).toBeLessThan(ideal * 1.25);
  });
});

/** Attempts that did not come to a built output, and what the deployment has said. */
async function whatHappened(build: string): Promise<string> {
  const steps = await Promise.all((await stack.steps(build)).map(({ step }) => stack.step(step)));
  const faults = steps.flatMap(({ attempts }) => attempts.filter(({ outcome }) => outcome?.kind !== "built"));
  return `${JSON.stringify(faults)}\n${stack.deployment.output()}`;
}
