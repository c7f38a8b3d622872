import { describe, expect, it } from "vitest";
import { buildLines, buildListLines } from "../../../cli/commands/builds.ts";
import { whyLines } from "../../../cli/commands/why.ts";
import { createStyle, plain } from "../../../cli/terminal/style.ts";
import { startFaultService } from "../fault-service.ts";
import { runDrover } from "../run-drover.ts";
import { attempt, began, buildStep, buildView, failedStep, idOf, later, placement, step } from "../views.ts";

const now = Date.parse(later(60_000));

describe("drover builds", () => {
  it("lists builds with how long they took, or take", () => {
    const builds = [buildView(), buildView({ state: "succeeded", finishedAt: later(5_000), targetCount: 3 })];
    expect(buildListLines(builds, now, plain)).toEqual([
      "BUILD                                 STATE      TARGETS  PRIORITY  SUBMITTER  CREATED                   TOOK",
      "bld_00000000000000000000000000000001  building   1        50        ann        2026-11-22T13:37:00.000Z  1 min 00 s",
      "bld_00000000000000000000000000000001  succeeded  3        50        ann        2026-11-22T13:37:00.000Z  5.0 s",
    ]);
  });

  it("shows one with its steps and their reasons", () => {
    const states = { planning: 0, waiting: 0, ready: 1, assigned: 0, succeeded: 0, failed: 1, "dependency-failed": 0 };
    const failure = { kind: "derivation", status: "TimedOut", message: "timed out" } as const;
    const steps = [
      buildStep("a", "hello", { state: "failed", machine: "itchy", failure }),
      buildStep("b", "world", { state: "ready", waiting: "all slots are held" }),
    ];
    expect(buildLines({ ...buildView({ keepGoing: true }), steps: states }, steps, now, plain)).toEqual([
      "bld_00000000000000000000000000000001",
      "state:      building",
      "submitter:  ann",
      "priority:   50",
      "keep going: yes",
      `created:    ${began}`,
      "took:       1 min 00 s",
      "targets:    1, 1 not settled",
      "steps:      1 ready, 1 failed",
      "",
      "STEP                              NAME   STATE   MACHINE  REASON",
      `${idOf("a")}  hello  failed  itchy    TimedOut: timed out`,
      `${idOf("b")}  world  ready   -        all slots are held`,
    ]);
  });

  it("says which build was refused, and what to do", () => {
    const failure = { kind: "refused", code: "DROVER_X", message: "it is impure", remedy: "Make it pure." } as const;
    const steps = { planning: 0, waiting: 0, ready: 0, assigned: 0, succeeded: 0, failed: 0, "dependency-failed": 0 };
    const lines = buildLines({ ...buildView({ state: "failed", failure }), steps }, [], now, plain);
    expect(lines.slice(-2)).toEqual(["failure:   it is impure (DROVER_X)", "remedy:    Make it pure."]);
  });
});

describe("drover why", () => {
  it("prints each attempt with the verdict on every machine", () => {
    expect(whyLines(failedStep, plain)).toEqual([
      "hello: failed",
      `step:       ${idOf("a")}`,
      `derivation: /nix/store/${idOf("a")}-hello.drv`,
      "requires:   x86_64-linux",
      "failure:    PermanentFailure: builder for 'x' failed with exit code 3",
      "",
      `attempt 1 on itchy, placed ${began}: PermanentFailure: builder for 'x' failed with exit code 3 in 12 s`,
      "  time: connect 0.0 s, inputs 0.0 s, build 12 s, outputs 0.0 s",
      "  itchy     chosen (load 0.5, 1/4 slots held, speed factor 2)",
      "  mac       wrong system (builds aarch64-darwin, not x86_64-linux)",
      "  scratchy  full 1/1",
    ]);
  });

  it("tells a fault of a machine from a verdict, and says what a step waits for now", () => {
    const fault = { code: "DROVER_SSH_LOST", message: "the connection broke" };
    const lost = attempt({ outcome: { kind: "machine-fault", fault, buildBegan: true } });
    const verdicts = [{ machine: "itchy", verdict: "full", explanation: "full 4/4" } as const];
    const waiting = {
      kind: "all-full",
      message: "all slots are held; nearest itchy: full 4/4",
      placement: { ...placement, chosen: null, verdicts },
    } as const;
    const lines = whyLines(
      step({
        state: "ready",
        attempts: [lost],
        waiting,
        requirement: { system: "x86_64-linux", features: ["kvm", "big"] },
      }),
      plain,
    );
    expect(lines).toContain("requires:   x86_64-linux with kvm, big");
    expect(lines).toContain(
      `attempt 1 on itchy, placed ${began}: machine fault: the connection broke (DROVER_SSH_LOST) in 12 s`,
    );
    expect(lines.slice(-2)).toEqual(["waiting: all slots are held; nearest itchy: full 4/4", "  itchy  full 4/4"]);
  });

  it("says what to do about a machine, and points at those that somebody has to look at", () => {
    const fault = { code: "DROVER_SSH_LOST", message: "the connection broke", remedy: "Look at\nthe network." };
    const verdicts = [
      { machine: "mac", verdict: "drained", explanation: "drained by Drover (mac is not the machine it was)" },
      { machine: "itchy", verdict: "backing-off", explanation: "backing off until then (it broke)" },
      { machine: "scratchy", verdict: "drained", explanation: "drained" },
    ] as const;
    const lost = attempt({
      placement: { ...placement, verdicts: [...verdicts] },
      outcome: { kind: "machine-fault", fault, buildBegan: true },
    });
    expect(whyLines(step({ attempts: [lost] }), createStyle(true)).slice(-4)).toEqual([
      "  \u001b[36mremedy:\u001b[39m Look at the network.",
      "\u001b[31m  mac       drained by Drover (mac is not the machine it was)\u001b[39m",
      "\u001b[33m  itchy     backing off until then (it broke)\u001b[39m",
      "  scratchy  drained",
    ]);
  });

  it("names the steps that must come first", () => {
    const waitingOn = [{ step: idOf("b"), name: "gcc", state: "assigned" } as const];
    expect(whyLines(step({ state: "waiting", attempts: [], waitingOn }), plain)).toContain(
      "waits for:  gcc (assigned)",
    );
  });
});

describe("drover logs", () => {
  const pieces = [
    { text: "\u001b[1mon", cursor: "a", state: "more" },
    { text: "e\u001b[0m\ntw", cursor: "b", state: "waiting" },
    { text: "o\nthree", cursor: "c", state: "done" },
  ];

  it("prints what there is, without a terminal without escapes", async () => {
    await using service = await startFaultService((_, index) => ({ json: pieces[index] }));
    const { stdout, code } = await runDrover(["logs", "hello.drv"], service);
    expect({ stdout, code }).toEqual({ stdout: "one\ntw\n", code: 0 });
    expect(service.requests.map(({ path }) => path)).toEqual([
      "/v1/steps/hello.drv/log?wait=0",
      "/v1/steps/hello.drv/log?cursor=a&wait=0",
    ]);
  });

  it("follows to the end, beginning where it is told to", async () => {
    await using service = await startFaultService((_, index) => ({ json: pieces[index] }));
    const { stdout, code } = await runDrover(["logs", "-f", "--attempt", "2", "hello.drv"], service);
    expect({ stdout, code }).toEqual({ stdout: "one\ntwo\nthree\n", code: 0 });
    expect(service.requests.map(({ path }) => path)).toEqual([
      "/v1/steps/hello.drv/log?attempt=2&wait=0",
      "/v1/steps/hello.drv/log?cursor=a&wait=0",
      "/v1/steps/hello.drv/log?cursor=b&wait=20",
    ]);
  });

  it("gives programs the lines as they are", async () => {
    await using service = await startFaultService((_, index) => ({ json: pieces[index] }));
    const { stdout } = await runDrover(["logs", "--json", "--follow", "s"], service);
    expect(JSON.parse(stdout)).toEqual({ step: "s", lines: ["\u001b[1mone\u001b[0m", "two", "three"] });
  });

  it("says why there is no log", async () => {
    await using service = await startFaultService(({ path }) =>
      path.includes("/log")
        ? { json: { text: "", cursor: "a", state: "waiting" } }
        : { json: step({ state: "waiting" }) },
    );
    const { stdout, stderr, code } = await runDrover(["logs", "s"], service);
    expect({ stdout, stderr, code }).toEqual({
      stdout: "",
      stderr: "there is no log of hello yet: it is waiting (drover why s)\n",
      code: 0,
    });
  });
});
