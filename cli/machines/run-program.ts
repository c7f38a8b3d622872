import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { DroverError } from "../../nix/drover-error.ts";

export interface ProgramOutcome {
  readonly stdout: string;
  readonly stderr: string;
  /** Null when a signal ended it. */
  readonly code: number | null;
}

/** Milliseconds for programs that only read files: what takes longer waits for something. */
const longestRun = 15_000;

/**
 * Runs a program that looks something up, in a process group of its own: ssh_config may have it start others, which are
 * ended with it.
 *
 * @returns undefined when there is no such program
 * @throws {DroverError} DROVER_PROGRAM_TIMEOUT
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  signal: AbortSignal,
  limit: number = longestRun,
): Promise<ProgramOutcome | undefined> {
  signal.throwIfAborted();
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], detached: true });
  const end = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // All of the group have ended by themselves.
    }
  };
  const timeLimit = AbortSignal.timeout(limit);
  const ending = AbortSignal.any([signal, timeLimit]);
  ending.addEventListener("abort", end, { once: true });
  try {
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    signal.throwIfAborted();
    if (!timeLimit.aborted) return { stdout, stderr, code: typeof code === "number" ? code : null };
    throw new DroverError("DROVER_PROGRAM_TIMEOUT", `${program} has not ended after ${limit / 1000} s`, {
      subject: program,
      remedy: `Try it yourself: ${[program, ...args].join(" ")}`,
    });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  } finally {
    ending.removeEventListener("abort", end);
  }
}
