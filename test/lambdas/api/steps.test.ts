import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AttemptOutcome } from "../../../fleet/attempt.ts";
import type { Step } from "../../../fleet/step.ts";
import { type Deployment, freshHash, startDeployment } from "./deployment.ts";
import { claimStep, readyStep, settleStep } from "./steps-at-work.ts";

let deployment: Deployment;
beforeAll(async () => {
  deployment = await startDeployment();
  const key = Buffer.from("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICV7N4ZzHqTUTqHyEKgQBBSgCq6r9TsuDPVwJ7vsEC3h").toString(
    "base64",
  );
  await deployment.api.json("importMachines", {
    body: `itchy x86_64-linux - 50 1 - - ${key}\nscratchy x86_64-linux - 50 1 - - ${key}\npoochie aarch64-linux - 1 1 - - ${key}\n`,
  });
});
afterAll(() => deployment[Symbol.asyncDispose]());

const phases = { connect: 1, inputs: 2, build: 3, outputs: 4 };
const built: AttemptOutcome = { kind: "built", status: "Built", outputs: [], phases };
const fault: AttemptOutcome = {
  kind: "machine-fault",
  fault: { code: "DROVER_SSH_LOST", message: "the connection was lost" },
  buildBegan: true,
};

const newStep = (name: string, system?: string, waitingOn?: readonly string[]) =>
  readyStep(deployment.cloud, name, system, waitingOn);
const claim = (step: Step) => claimStep(deployment.cloud, step);
const settle = (step: Step, outcome: AttemptOutcome) => settleStep(deployment.cloud, step, outcome);

const show = async (step: string) => Object(await deployment.api.json("getStep", { path: { step } }));

describe("a step", () => {
  test("is found by its id, its derivation's base name and its path", async () => {
    const step = await newStep("found");
    for (const reference of [step.id, `${step.id}-found.drv`, step.drvPath]) {
      expect(await show(reference)).toMatchObject({ id: step.id, name: "found", state: "ready", attempts: [] });
    }
    for (const reference of [freshHash(), "found", `${step.id}x`, "/etc/passwd"]) {
      const problem = await deployment.api.problem("getStep", { path: { step: reference } });
      expect(problem).toMatchObject({ status: 404, code: "DROVER_STEP_UNKNOWN", subject: reference });
    }
  });

  test("that waits for others names them", async () => {
    const first = await newStep("first");
    const second = await newStep("second", "x86_64-linux", [first.id]);
    expect(await show(second.id)).toMatchObject({
      state: "waiting",
      waitingOn: [{ step: first.id, name: "first", state: "ready" }],
    });
  });

  test("that no machine can build says so, with a verdict for each", async () => {
    const step = await newStep("lonely", "riscv64-linux+kvm");
    const { requirement, waiting } = await show(step.id);
    expect(requirement).toEqual({ system: "riscv64-linux", features: ["kvm"] });
    expect(waiting).toMatchObject({ kind: "no-eligible-machine", placement: { chosen: null } });
    expect(waiting.message).toContain("riscv64-linux");
    expect(waiting.placement.verdicts).toEqual(
      ["itchy", "scratchy", "poochie"].map((machine) =>
        expect.objectContaining({
          machine,
          verdict: "wrong-system",
          explanation: expect.stringContaining("wrong system"),
        }),
      ),
    );
  });

  test("that could be placed says so", async () => {
    const step = await newStep("placed-soon");
    expect((await show(step.id)).waiting).toMatchObject({ kind: "being-placed" });
  });

  test("shows its attempts, and why each went where it did", async () => {
    const lost = await settle(await claim(await newStep("retried")), fault);
    await settle(await claim(lost), built);
    const { state, waiting, faults, attempts } = await show(lost.id);
    expect({ state, waiting, faults }).toEqual({ state: "succeeded", waiting: undefined, faults: 1 });
    expect(attempts).toEqual([
      expect.objectContaining({ number: 1, outcome: { ...fault } }),
      expect.objectContaining({ number: 2, outcome: expect.objectContaining({ kind: "built", phases }) }),
    ]);
    const verdicts = attempts[0].placement.verdicts.map(({ verdict }: { verdict: string }) => verdict);
    expect(verdicts.toSorted()).toEqual(["chosen", "ranked-lower", "wrong-system"]);
  });
});

const read = async (step: string, query: Record<string, string> = {}) =>
  Object(await deployment.api.json("getStepLog", { path: { step }, query }));

/** Reads to the end as a follower does. */
async function readAll(step: string, query: Record<string, string> = {}): Promise<string> {
  let text = "";
  let piece = await read(step, query);
  for (let pieces = 0; piece.state === "more"; pieces++) {
    if (pieces > 50) throw new Error("it does not end");
    text += piece.text;
    piece = await read(step, { cursor: piece.cursor });
  }
  expect(piece).toMatchObject({ text: "", state: "done" });
  return text;
}

function open({ id, attempt, drvPath }: Step) {
  return deployment.cloud.logs.open({ step: id, number: attempt, drvPath });
}

describe("the log of a step", () => {
  test("goes on with the next attempt where a machine's fault ended one, and says so", async () => {
    const first = await claim(await newStep("log-retried"));
    const firstLog = open(first);
    firstLog.write(Buffer.from("half a "));
    await firstLog.end(false);
    const second = await claim(await settle(first, fault));
    const secondLog = open(second);
    secondLog.write(Buffer.from("whole log\n"));
    await secondLog.end(true);
    await settle(second, built);
    const line = `drover: attempt 1 on ${first.machine} ended by a fault of the machine (DROVER_SSH_LOST): the connection was lost\n`;
    expect(await readAll(first.id)).toBe(`half a ${line}whole log\n`);
    expect(await readAll(first.id, { attempt: "2" })).toBe("whole log\n");
  });

  test("is waited for, and its attempt marked as followed", async () => {
    const step = await newStep("log-awaited");
    expect(await read(step.id)).toEqual({ text: "", cursor: "1", state: "waiting" });
    const assigned = await claim(step);
    const before = Date.now();
    const waiting = read(step.id, { cursor: "1", wait: "20" });
    await expect
      .poll(async () => (await deployment.cloud.steps.attempt(step.id, 1))?.followedUntil ?? 0)
      .toBeGreaterThanOrEqual(before + 60_000);
    const log = open(assigned);
    log.followedUntil(Date.now() + 60_000);
    log.write(Buffer.from("line one\n"));
    const piece = await waiting;
    expect(piece).toMatchObject({ text: "line one\n", state: "more" });
    log.write(Buffer.from("line two\n"));
    await log.end(true);
    await settle(assigned, built);
    const rest = await read(step.id, { cursor: piece.cursor, wait: "20" });
    expect(rest).toMatchObject({ text: "line two\n", state: "more" });
    expect(await read(step.id, { cursor: rest.cursor, wait: "20" })).toMatchObject({ text: "", state: "done" });
  });

  test("of a step that failed before it was tried is empty and done", async () => {
    const step = await newStep("log-less");
    const dependent = await newStep("log-less-too", "x86_64-linux", [step.id]);
    const event = { type: "dependency-failed", dependency: step.id, culprit: step.id, name: "log-less" } as const;
    await deployment.cloud.steps.apply(dependent.id, event, Date.now());
    expect(await read(dependent.id, { wait: "20" })).toEqual({ text: "", cursor: "1", state: "done" });
  });

  test("refuses cursors that are none", async () => {
    const step = await newStep("log-cursor");
    const problem = await deployment.api.problem("getStepLog", { path: { step: step.id }, query: { cursor: "x" } });
    expect(problem).toMatchObject({ status: 400, code: "DROVER_CURSOR" });
    const wait = await deployment.api.problem("getStepLog", { path: { step: step.id }, query: { wait: "21" } });
    expect(wait).toMatchObject({ status: 400, subject: "wait" });
  });
});
