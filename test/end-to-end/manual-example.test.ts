import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Stack, startStack } from "./stack.ts";

/** The three machines of Nix's manual ("Remote Builds"), fields 4 to 7 as they stand there. */
let stack: Stack;
beforeAll(async () => {
  stack = await startStack({
    machines: [
      { name: "scratchy", systems: ["i686-linux"], maxJobs: 8, speedFactor: 1, supportedFeatures: ["kvm"] },
      { name: "itchy", systems: ["i686-linux"], maxJobs: 8, speedFactor: 2 },
      {
        name: "poochie",
        systems: ["i686-linux"],
        maxJobs: 1,
        speedFactor: 2,
        supportedFeatures: ["kvm"],
        mandatoryFeatures: ["benchmark"],
      },
    ],
  });
});
afterAll(() => stack[Symbol.asyncDispose]());

async function machineFor(features: string): Promise<string | undefined> {
  const drvPaths = await stack.instantiate("feature", { system: "i686-linux", features });
  const id = await stack.submit(drvPaths);
  expect(await stack.finished(id)).toMatchObject({ state: "succeeded" });
  const [step] = await stack.steps(id);
  return stack.fleet.machines.find(({ host }) => step?.machine?.endsWith(host))?.name;
}

describe("the example of Nix's manual", () => {
  it.each([
    ["", "itchy"],
    ["kvm", "scratchy"],
    ["benchmark", "poochie"],
    ["benchmark kvm", "poochie"],
  ])("gives a step that requires [%s] to %s", async (features, machine) => {
    expect(await machineFor(features)).toBe(machine);
  });
});
