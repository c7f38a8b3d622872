import type { Build, BuildStep } from "../../lambdas/api/schema/builds.ts";
import type { Check, Inspection } from "../../lambdas/api/schema/inspections.ts";
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
    alternatives: [],
    route: null,
    mode: "enabled",
    drainedFor: null,
    running: 1,
    health: { state: "healthy" },
    trusted: true,
    hostKeyFingerprint: "SHA256:abc",
    inspection: null,
    etag: '"1-0a1b2c"',
    ...more,
  };
}

/** What the runner says of a machine whose key is another one. */
export const mismatch = {
  code: "DROVER_HOST_KEY_MISMATCH",
  message: "mac is not the machine it was: the stored ssh-ed25519 host key is SHA256:abc, but it presents SHA256:xyz.",
  remedy: "Find out first.",
};

export const warning = {
  check: "system-features",
  outcome: "warning",
  found: "its line claims kvm, its Nix does not",
  code: "DROVER_FEATURES_CLAIMED",
  remedy: "Remove kvm from the line.",
} as const satisfies Check;
export const failure = {
  check: "nix-store",
  outcome: "failed",
  found: "nix-store is not on the PATH",
  code: "DROVER_NIX_STORE_MISSING",
  remedy: "Link it into /usr/local/bin.",
} as const satisfies Check;
export const unchecked = {
  check: "protocol",
  outcome: "not-checked",
  found: "there is no nix-store",
} as const satisfies Check;

/** Finished at {@link began}. @param checks besides a name that was found */
export function inspection(name: string, checks: readonly Check[] = [], more: Partial<Inspection> = {}): Inspection {
  return {
    machine: name,
    startedAt: later(-800),
    finishedAt: began,
    checks: [{ check: "dns", outcome: "passed", found: "10.0.0.2" }, ...checks],
    hostKeys: [],
    works: checks.every(({ outcome }) => outcome !== "failed"),
    outdated: false,
    ...more,
  };
}
