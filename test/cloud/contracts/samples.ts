import type { AttemptOutcome } from "../../../fleet/attempt.ts";
import type { Build, BuildStep } from "../../../fleet/build.ts";
import { hostKeyMismatch, type MachineOffer, type SshRoute } from "../../../fleet/machine.ts";
import type { Placement } from "../../../fleet/placement.ts";
import type { Step } from "../../../fleet/step.ts";
import type { MachineEntry } from "../../../cloud/ports/machines.ts";
import type { NewStep, Steps } from "../../../cloud/ports/steps.ts";
import type { MachineSpec } from "../../../nix/machine-spec/types.ts";

const alphabet = "0123456789abcdfghijklmnpqrsvwxyz";

/** A step's id made of a number: 32 characters of Nix's base 32. */
export function stepId(number: number): string {
  let id = "";
  for (let left = number; left > 0; left = Math.floor(left / 32)) id = `${alphabet[left % 32]}${id}`;
  return id.padStart(32, "0");
}

export function newStep(number: number, priority = 50): NewStep {
  const id = stepId(number);
  return { id, drvPath: `/nix/store/${id}-hello-${number}.drv`, name: `hello-${number}`, priority };
}

export function machineSpec(changes: Partial<MachineSpec> = {}): MachineSpec {
  return {
    uri: "ssh://nix@itchy",
    systems: ["x86_64-linux"],
    sshKey: null,
    maxJobs: 4,
    speedFactor: 1.5,
    supportedFeatures: ["kvm"],
    mandatoryFeatures: [],
    hostKey: "c3NoLWVkMjU1MTkgQUFBQQ==",
    ...changes,
  };
}

/** What an import says of a machine of one line. */
export function machineEntry(name: string, spec: Partial<MachineSpec> = {}, position = 0): MachineEntry {
  return { name, position, spec: machineSpec(spec), alternatives: [], route: null };
}

/** What another line of the machine offers. */
export function machineOffer(changes: Partial<MachineOffer> = {}): MachineOffer {
  return {
    systems: ["aarch64-linux"],
    maxJobs: 2,
    speedFactor: 1.5,
    supportedFeatures: ["kvm"],
    mandatoryFeatures: [],
    ...changes,
  };
}

/** How somebody's ssh_config says that the machine is reached. */
export function machineRoute(changes: Partial<SshRoute> = {}): SshRoute {
  const jump = { host: "fe80::1%eth0", port: 22, user: null, identityFile: "/etc/keys/jump", hostKey: otherHostKey };
  return {
    host: "192.0.2.7",
    port: 22,
    user: "nix",
    identityFile: null,
    identityAgent: "/run/agent",
    jumps: [jump],
    ...changes,
  };
}

export const otherHostKey = "c3NoLWVkMjU1MTkgQkJCQg==";

/** @param maxJobs of the chosen line */
export function placementOn(machine: string, maxJobs = 4): Placement & { chosen: string } {
  return {
    requirement: { system: "x86_64-linux", features: ["kvm"] },
    chosen: machine,
    decidedAt: 1_700_000_000_000,
    verdicts: [
      { machine, verdict: "chosen", load: 1 / 3, running: 1, maxJobs, speedFactor: 3 },
      { machine: "a", verdict: "ranked-lower", load: 2, running: 2, maxJobs: 4, speedFactor: 1 },
      { machine: "b", verdict: "wrong-system", wanted: "x86_64-linux", systems: [] },
      { machine: "c", verdict: "lacks-features", missing: ["kvm"] },
      { machine: "d", verdict: "mandatory-features", notAskedFor: ["benchmark"] },
      { machine: "e", verdict: "no-slots" },
      { machine: "f", verdict: "drained" },
      { machine: "g", verdict: "no-host-key" },
      { machine: "h", verdict: "backing-off", until: 1_700_000_005_000, reason: fault },
      { machine: "i", verdict: "full", running: 2, maxJobs: 2 },
    ],
  };
}

const fault = { code: "DROVER_SSH_CONNECT", message: "connection refused", remedy: "Start sshd." };
const phases = { connect: 12, inputs: 0, build: 3_456, outputs: 78 };

export const outcomes = {
  built: {
    kind: "built",
    status: "Built",
    outputs: [{ name: "out", path: `/nix/store/${stepId(9)}-hello`, narHash: "sha256:0", narSize: 226_552 }],
    phases,
  },
  derivationFailed: {
    kind: "derivation-failed",
    status: "PermanentFailure",
    message: "builder failed with exit code 2",
    lastLogLines: ["cc: no input files", ""],
    phases,
  },
  unreachable: { kind: "machine-fault", fault, buildBegan: false },
  died: {
    kind: "machine-fault",
    fault: { code: "DROVER_SSH_LOST", message: "connection reset" },
    buildBegan: true,
  },
  refused: { kind: "refused", code: "DROVER_OUTPUT_TOO_LARGE", message: "too large", remedy: "Split it." },
} as const satisfies Record<string, AttemptOutcome>;

/** Unlike the others it drains the machine. */
export const hostKeyChanged = {
  kind: "machine-fault",
  fault: { code: hostKeyMismatch, message: "the host key of itchy has changed", remedy: "Look why." },
  buildBegan: false,
} as const satisfies AttemptOutcome;

/** Makes a step that is ready at once. */
export async function readyStep(steps: Steps, number: number, now = 1_000, requirementClass = "x86_64-linux") {
  const { id } = await steps.ensure(newStep(number), 0, now);
  const step = await steps.apply(id, { type: "expanded", requirementClass, waitingOn: [] }, now);
  if (step?.state !== "ready") throw new Error(`step ${number} was there before`);
  return step;
}

/** Claims a step that must be claimable. */
export async function claimedStep(steps: Steps, step: Step, machine: string, now = 2_000): Promise<Step> {
  const claimed = await steps.claim(step, placementOn(machine), undefined, now);
  if (typeof claimed === "string") throw new Error(`the claim of ${step.name} came back ${claimed}`);
  return claimed;
}

export function newBuild(number: number, changes: Partial<Build> = {}): Build {
  return {
    id: `bld_${String(number).padStart(8, "0")}-0000-7000-8000-000000000000`,
    submitter: "alice",
    priority: 50,
    keepGoing: false,
    targets: [{ drvPath: newStep(1).drvPath, outputs: ["out", "dev"] }],
    state: "planning",
    waitingOn: [stepId(1)],
    createdAt: 1_000 + number,
    ...changes,
  };
}

export function buildStep(build: Build, number: number, changes: Partial<BuildStep> = {}): BuildStep {
  const { id, drvPath, name } = newStep(number);
  return { build: build.id, step: id, drvPath, name, state: "planning", target: false, changedAt: 1_000, ...changes };
}
