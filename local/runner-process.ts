import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

/** A runner that crashes at once is not started again and again without a pause. Milliseconds. */
const restartPause = 1_000;

/** How long a runner that is told to stop may go on with what runs. Milliseconds. */
const drainTime = 2_000;

/**
 * Keeps one runner going, in a process of its own as in the container: a runner that dies takes nothing with it, and
 * the attempts it held are repeated by the next one. Ends when the signal aborts and the runner has drained.
 *
 * @param main the file that `node` starts
 * @param environment all of the runner's environment
 */
export async function keepRunnerGoing(
  main: string,
  environment: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    // Its standard input is a pipe that nobody writes to: its end tells the runner that this process is gone.
    const runner = spawn(process.execPath, [main, "--stop-with-parent"], {
      env: environment,
      stdio: ["pipe", "inherit", "inherit"],
    });
    const stop = () => void stopSoon(runner);
    signal.addEventListener("abort", stop, { once: true });
    const [code, killedBy] = await exitOf(runner);
    signal.removeEventListener("abort", stop);
    if (signal.aborted) return;
    console.error(`the runner ended (${killedBy ?? `exit ${code}`}); starting another one`);
    await sleep(restartPause, undefined, { signal }).catch(() => {});
  }
}

/** The person at the terminal waits: what does not finish in a moment is given back, and repeated at the next start. */
async function stopSoon(runner: ChildProcess): Promise<void> {
  const exited = once(runner, "exit");
  runner.kill("SIGTERM");
  const timer = setTimeout(() => runner.kill("SIGTERM"), drainTime);
  await exited;
  clearTimeout(timer);
}

async function exitOf(runner: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  try {
    const [code, killedBy] = await once(runner, "exit");
    return [code, killedBy];
  } catch (error) {
    console.error("the runner could not be started", error);
    return [null, null];
  }
}
