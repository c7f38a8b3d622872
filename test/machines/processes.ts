import { readFileSync, readdirSync } from "node:fs";

/** A process as the host sees it, whichever PID namespace it lives in. */
export interface Process {
  readonly pid: number;
  readonly parent: number;
  /** The kernel's name for it: at most 15 characters, without arguments. */
  readonly command: string;
  /** Clock ticks from the host's boot; with the pid it names a process for ever. */
  readonly startTime: string;
}

/** All processes at this moment, from /proc: needs no procps, and no rights. */
export function listProcesses(): Process[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/u.test(entry))
    .flatMap((entry) => findProcess(Number(entry)) ?? []);
}

/** One process, or undefined when it is gone. A zombie (ended, but not yet reaped by its parent) counts as gone. */
export function findProcess(pid: number): Process | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`);
  // pid (command, which may hold spaces and parentheses) state parent …; start time is the 22nd field of all
  const [, command, rest] = /^\d+ \((.*)\) (.*)$/su.exec(stat) ?? [];
  const [state, parent, ...fields] = rest?.split(" ") ?? [];
  const startTime = fields[17];
  if (command === undefined || parent === undefined || startTime === undefined || state === "Z") return undefined;
  return { pid, parent: Number(parent), command, startTime };
}

/** The children of a process, optionally only those of one command name. */
export function childrenOf(pid: number, processes: readonly Process[], command?: string): Process[] {
  return processes.filter((each) => each.parent === pid && (command === undefined || each.command === command));
}

/** A variable from a process's initial environment; undefined as well when this user may not look. */
export function readEnvironmentVariable(pid: number, name: string): string | undefined {
  const entry = readIfThere(`/proc/${pid}/environ`)
    .split("\0")
    .find((line) => line.startsWith(`${name}=`));
  return entry?.slice(name.length + 1);
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // gone since the directory was listed, or another user's
  }
}
