import { describe, expect, it } from "vitest";
import { runProgram } from "../../../cli/machines/run-program.ts";

const never = new AbortController().signal;

describe("runProgram()", () => {
  it("gives what the program said and how it ended", async () => {
    const outcome = await runProgram("sh", ["-c", "echo out; echo err >&2; exit 3"], never);
    expect(outcome).toEqual({ stdout: "out\n", stderr: "err\n", code: 3 });
  });

  it("has nothing to give where there is no such program", async () => {
    expect(await runProgram("drover-no-such-program", [], never)).toBeUndefined();
  });

  it("ends what takes too long, with all that it has started", async () => {
    const began = performance.now();
    const run = runProgram("sh", ["-c", "sleep 600 & sleep 600"], never, 200);
    await expect(run).rejects.toMatchObject({ code: "DROVER_PROGRAM_TIMEOUT" });
    // The background process has the pipe, too: it ends only when both are gone.
    expect(performance.now() - began).toBeLessThan(20_000);
  });

  it("ends at an interruption with its reason", async () => {
    const reason = new Error("interrupted");
    const run = runProgram("sleep", ["600"], AbortSignal.any([AbortSignal.timeout(100), AbortSignal.abort(reason)]));
    await expect(run).rejects.toBe(reason);
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 100);
    await expect(runProgram("sleep", ["600"], controller.signal)).rejects.toBe(reason);
  });
});
