import { beforeEach, describe, expect, it } from "vitest";
import { BuildProgress } from "../../../cli/build/progress.ts";
import { heartbeat, statusFrame } from "../../../cli/build/status-text.ts";
import { createStyle, plain } from "../../../cli/terminal/style.ts";
import { buildStep, buildView, later } from "../views.ts";

const start = 1_000_000;
const options = { now: start + 75_000, startedAt: start, size: { columns: 60, rows: 24 }, style: plain };
let progress: BuildProgress;

beforeEach(() => {
  progress = new BuildProgress(buildView());
});

function running(amount: number): void {
  for (let index = 0; index < amount; index += 1) {
    const letter = String.fromCharCode(97 + index);
    const machine = index % 2 === 0 ? "itchy" : "nix@mac";
    progress.apply(
      buildStep(letter, `step-${letter}`, { state: "assigned", machine, attempt: 1 }),
      start + index * 1000,
    );
  }
}

describe("statusFrame()", () => {
  it("shows counts, and what runs where for how long, the longest first", () => {
    running(3);
    progress.apply(buildStep("x", "later"), start);
    progress.apply(buildStep("y", "done", { state: "succeeded" }), start);
    progress.apply(buildStep("z", "broken", { state: "failed" }), start);
    expect(statusFrame(progress, options)).toEqual([
      "3 running, 1 waiting, 1 of 6 done, 1 failed · 1 min 15 s",
      "  step-a  itchy    1 min 15 s",
      "  step-b  nix@mac  1 min 14 s",
      "  step-c  itchy    1 min 13 s",
    ]);
  });

  it("begins with the planning", () => {
    expect(statusFrame(new BuildProgress(buildView({ state: "planning" })), options)).toEqual([
      "planning · 1 min 15 s",
    ]);
  });

  it("says what holds everything up, when nothing runs", () => {
    const waiting = "all slots are held; nearest itchy: full 4/4";
    progress.apply(buildStep("a", "hello", { state: "ready", waiting }), start);
    progress.apply(buildStep("b", "world", { state: "ready", waiting }), start);
    progress.apply(buildStep("c", "kernel", { state: "ready", waiting: "no machine can build riscv64-linux" }), start);
    expect(statusFrame(progress, { ...options, size: { columns: 80, rows: 24 } })).toEqual([
      "0 running, 3 waiting, 0 of 3 done · 1 min 15 s",
      "  hello and 1 more wait: all slots are held; nearest itchy: full 4/4",
      "  kernel waits: no machine can build riscv64-linux",
    ]);
  });

  it("leaves reasons for waiting out while something runs", () => {
    running(1);
    progress.apply(buildStep("b", "world", { state: "ready", waiting: "all slots are held" }), start);
    expect(statusFrame(progress, options).join("\n")).not.toContain("slots");
  });

  const drained = "no machine can build x; nearest miss mac: drained by Drover (mac is not the machine it was)";

  it("shows a reason whole, over several rows", () => {
    progress.apply(
      buildStep("a", "hello", { state: "ready", waiting: "no machine can build riscv64-linux with kvm" }),
      start,
    );
    expect(statusFrame(progress, { ...options, size: { columns: 40, rows: 24 } }).slice(1)).toEqual([
      "  hello waits: no machine can build",
      "    riscv64-linux with kvm",
    ]);
  });

  it("tells of a machine that Drover has drained also while something runs elsewhere, in red", () => {
    running(20);
    progress.apply(buildStep("y", "world", { state: "ready", waiting: "all slots are held" }), start);
    progress.apply(buildStep("z", "hello", { state: "ready", waiting: drained }), start);
    const size = { columns: 70, rows: 10 };
    expect(statusFrame(progress, { ...options, size }).slice(-3)).toEqual([
      "  … and 17 more",
      "  hello waits: no machine can build x; nearest miss mac: drained by",
      "    Drover (mac is not the machine it was)",
    ]);
    const style = createStyle(true);
    expect(statusFrame(progress, { ...options, size, style }).at(-1)).toBe(
      style.red("    Drover (mac is not the machine it was)"),
    );
  });

  it("fits into the terminal, whatever runs and waits", () => {
    running(20);
    for (const letter of ["u", "v", "w"]) {
      progress.apply(buildStep(letter, letter, { state: "ready", waiting: `${letter}: ${drained}` }), start);
    }
    const frame = statusFrame(progress, { ...options, size: { columns: 24, rows: 10 } });
    expect(frame.length).toBeLessThan(10);
    for (const line of frame) expect(line.length).toBeLessThan(24);
  });

  it("fits into the terminal, whatever runs", () => {
    running(20);
    const frame = statusFrame(progress, { ...options, size: { columns: 24, rows: 10 } });
    expect(frame).toHaveLength(5);
    expect(frame.at(-1)).toBe("  … and 17 more");
    for (const line of frame) expect(line.length).toBeLessThan(24);
  });

  it("cuts a coloured line without cutting an escape", () => {
    running(1);
    const frame = statusFrame(progress, { ...options, size: { columns: 20, rows: 24 }, style: createStyle(true) });
    // oxlint-disable-next-line no-control-regex -- it is the escapes that are looked at
    for (const line of frame) expect(line.replaceAll(/\u001b\[\d+m/g, "")).not.toContain("\u001b");
  });
});

describe("heartbeat()", () => {
  it("says on one line what runs", () => {
    running(7);
    expect(heartbeat(progress, options)).toBe(
      "7 running, 0 waiting, 0 of 7 done · 1 min 15 s: step-a on itchy for 1 min 15 s, step-b on nix@mac for 1 min 14 s, " +
        "step-c on itchy for 1 min 13 s, step-d on nix@mac for 1 min 12 s, step-e on itchy for 1 min 11 s, 2 more",
    );
  });
});

describe("BuildProgress", () => {
  it("takes no old news, and none twice", () => {
    const step = buildStep("a", "hello", { state: "assigned", machine: "itchy", attempt: 1, changedAt: later(10) });
    expect(progress.apply(step, start)).toBeUndefined();
    expect(progress.apply({ ...step }, start)).toBe("stale");
    expect(progress.apply(buildStep("a", "hello", { state: "ready", changedAt: later(5) }), start)).toBe("stale");
    expect(progress.apply({ ...step, state: "succeeded", changedAt: later(20) }, start)).toEqual(step);
  });

  it("measures each attempt from its own beginning", () => {
    const step = buildStep("a", "hello", { state: "assigned", machine: "itchy", attempt: 1 });
    progress.apply(step, start);
    progress.apply({ ...step, machine: "mac", attempt: 2, changedAt: later(1) }, start + 5_000);
    expect(progress.running).toEqual([{ name: "hello", machine: "mac", since: start + 5_000 }]);
  });

  it("forgets steps that turned out to be there already", () => {
    progress.apply(buildStep("a", "there", { state: "planning" }), start);
    progress.apply(buildStep("b", "missing", { state: "ready", changedAt: later(2) }), start);
    progress.build = buildView({ plannedAt: later(1) });
    expect(progress.steps.map(({ name }) => name)).toEqual(["missing"]);
  });
});
