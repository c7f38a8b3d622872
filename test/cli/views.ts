import type { Build, BuildStep } from "../../lambdas/api/schema/builds.ts";
import type { Machine } from "../../lambdas/api/schema/machines.ts";
import type { Attempt, Placement, Step } from "../../lambdas/api/schema/steps.ts";

/** Answers of the API for tests of what is made of them: one ordinary example of each, and what differs. */

export const began = "2026-11-22T13:37:00.000Z";

/** So many milliseconds after {@link began}. */
export function later(milliseconds: number): string {
  return new Date(Date.parse(began) + milliseconds).toISOString();
}

/** A step's id: 32 characters, different for different letters. */
export function idOf(letter: string): string {
  return letter.repeat(32);
}

export function buildView(more: Partial<Build> = {}): Build {
  return {
    id: `bld_${"0".repeat(31)}1`,
    state: "building",
    submitter: "ann",
    priority: 50,
    keepGoing: false,
    targets: [{ drvPath: `/nix/store/${idOf("a")}-hello.drv`, outputs: [] }],
    targetCount: 1,
    targetsLeft: 1,
    createdAt: began,
    ...more,
  };
}

export function buildStep(letter: string, name: string, more: Partial<BuildStep> = {}): BuildStep {
  const drvPath = `/nix/store/${idOf(letter)}-${name}.drv`;
  return { step: idOf(letter), drvPath, name, state: "waiting", target: false, changedAt: began, ...more };
}

export const placement: Placement = {
  requirement: { system: "x86_64-linux", features: [] },
  chosen: "itchy",
  decidedAt: began,
  verdicts: [
    { machine: "itchy", verdict: "chosen", explanation: "chosen (load 0.5, 1/4 slots held, speed factor 2)" },
    { machine: "mac", verdict: "wrong-system", explanation: "wrong system (builds aarch64-darwin, not x86_64-linux)" },
    { machine: "scratchy", verdict: "full", explanation: "full 1/1" },
  ],
};

export function attempt(more: Partial<Attempt> = {}): Attempt {
  return {
    number: 1,
    machine: "itchy",
    placement,
    assignedAt: later(1_000),
    startedAt: later(1_500),
    finishedAt: later(13_500),
    outcome: {
      kind: "built",
      status: "Built",
      outputs: [],
      phases: { connect: 0, inputs: 100, build: 11_000, outputs: 900 },
    },
    ...more,
  };
}

export function step(more: Partial<Step> = {}): Step {
  return {
    id: idOf("a"),
    drvPath: `/nix/store/${idOf("a")}-hello.drv`,
    name: "hello",
    requirement: placement.requirement,
    priority: 50,
    state: "succeeded",
    waitingOn: [],
    faults: 0,
    createdAt: began,
    changedAt: later(13_500),
    attempts: [attempt()],
    ...more,
  };
}

export const failedStep: Step = step({
  state: "failed",
  failure: { kind: "derivation", status: "PermanentFailure", message: "builder for 'x' failed with exit code 3" },
  attempts: [
    attempt({
      outcome: {
        kind: "derivation-failed",
        status: "PermanentFailure",
        message: "builder for 'x' failed with exit code 3",
        lastLogLines: ["checking", "\u001b[31mit is broken\u001b[0m"],
        phases: { connect: 0, inputs: 0, build: 12_000, outputs: 0 },
      },
    }),
  ],
});

export function machine(name: string, more: Partial<Machine> = {}): Machine {
  return {
    name,
    position: 0,
    uri: `ssh://${name}`,
    systems: ["x86_64-linux", "i686-linux"],
    sshKey: null,
    maxJobs: 4,
    speedFactor: 1.5,
    supportedFeatures: ["kvm"],
    mandatoryFeatures: [],
    hostKey: "c3NoLWVkMjU1MTkg",
    mode: "enabled",
    running: 1,
    health: { state: "healthy" },
    trusted: true,
    hostKeyFingerprint: "SHA256:abc",
    ...more,
  };
}
