import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { expect } from "vitest";

type Process = ChildProcessByStdio<Writable | null, Readable, Readable>;

export interface RunnerProcess {
  readonly process: Process;
  /** All that it has logged. */
  readonly said: () => string;
  readonly exited: Promise<unknown[]>;
}

/** Collects what a runner that has just been started says, and waits until it is ready. */
export async function readyRunner(process: Process): Promise<RunnerProcess> {
  let said = "";
  for (const stream of [process.stdout, process.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  }
  const exited = once(process, "exit");
  await expect.poll(() => said, { timeout: 10_000 }).toContain("the runner is ready");
  return { process, said: () => said, exited };
}
