import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { DroverError } from "../../nix/drover-error.ts";
import { childrenOf, listProcesses } from "./processes.ts";

/** A process in namespaces of its own, which ends when this process ends, however that comes about. */
export interface NamespacedProcess {
  /** The pid, on the host, of the process that made the namespaces. */
  readonly pid: number;
  /** Fulfilled with what happened when it has ended and, with a PID namespace, everything in it. Never rejects. */
  readonly ended: Promise<string>;
  /** Writes a line to its standard input. */
  send(line: string): void;
  /** The first process in the namespaces (process 1, if they have a PID namespace); undefined when it is gone. */
  firstProcess(): number | undefined;
  /** Ends its standard input. Fulfilled when it has ended of that. */
  end(): Promise<void>;
  /** SIGKILL. Fulfilled when it and everything in its PID namespace is dead. */
  kill(): Promise<void>;
}

/**
 * Starts `command` under unshare(1) and waits for the first line that it prints; its further output goes nowhere.
 * It has to end when its standard input ends: that is a pipe which this process alone holds.
 *
 * @throws DroverError DROVER_MACHINES_NAMESPACES when it ends before it prints a line, with what unshare and it said
 */
export async function startInNamespaces(
  flags: readonly string[],
  command: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<NamespacedProcess> {
  const child = spawn("unshare", [...flags, "--fork", "--kill-child", ...command], {
    stdio: "pipe",
    detached: true, // Ctrl-C in a terminal is for the owner to handle
    env,
  });
  await once(child, "spawn");
  const pid = child.pid ?? 0;
  child.stdin.on("error", () => {}); // it may die at any time; `ended` tells
  const ended = once(child, "exit").then(([code, signal]) => `ended with ${code ?? signal}`);
  const complaints = text(child.stderr);

  const lines = createInterface({ input: child.stdout });
  const outcome = await Promise.race([once(lines, "line").then(() => "started"), ended]);
  child.stdout.resume();
  if (outcome !== "started") {
    throw new DroverError("DROVER_MACHINES_NAMESPACES", `${command.join(" ")} ${outcome}: ${await complaints}`, {
      subject: command[0] ?? "unshare",
      remedy:
        "Root needs CAP_SYS_ADMIN (in a container: --privileged); a plain user needs user namespaces, as Nix's " +
        "sandbox does (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns=0).",
    });
  }

  const firstProcess = (): number | undefined => childrenOf(pid, listProcesses())[0]?.pid;
  return {
    pid,
    ended,
    send: (line) => child.stdin.write(`${line}\n`),
    firstProcess,
    async end() {
      child.stdin.end();
      await ended;
    },
    async kill() {
      const first = firstProcess();
      child.stdin.end(); // enough by itself where there is no first process yet
      if (first !== undefined) killIfThere(first);
      await ended;
    },
  };
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has just ended by itself.
  }
}
