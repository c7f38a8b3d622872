import { DroverError } from "../../nix/drover-error.ts";
import { childrenOf, listProcesses, type Process } from "./processes.ts";
import { type CommandOptions, type Outcome, runCommand } from "./run-command.ts";

/** Runs a shell command in the namespaces of a machine's process 1 (its pid here is the host's). */
export function runInside(
  firstProcess: number,
  command: string,
  options: Pick<CommandOptions, "input" | "signal">,
): Promise<Outcome> {
  const isRoot = process.getuid?.() === 0;
  const user = isRoot ? ["--net"] : ["--user", "--preserve-credentials"];
  const home = isRoot ? ["HOME=/root", "USER=root"] : ["HOME=/home/builder", "USER=builder"];
  const enter = ["--target", String(firstProcess), "--mount", "--uts", "--ipc", "--pid", ...user];
  const environment = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", ...home];
  return runCommand("nsenter", [...enter, ...environment, "/bin/sh", "-c", command], options);
}

/** The sshd that listens. */
export function findListener(firstProcess: number): number {
  const [listener] = childrenOf(firstProcess, listProcesses(), "sshd");
  if (listener !== undefined) return listener.pid;
  throw new DroverError("DROVER_MACHINE_OFF", "the machine has no sshd any more", { subject: String(firstProcess) });
}

/**
 * The sshd processes of each connection: one of root's has one; a plain user's has a second, without privileges, which
 * runs the sessions.
 */
export function findConnections(firstProcess: number): Process[][] {
  const processes = listProcesses();
  const connections = childrenOf(findListener(firstProcess), processes, "sshd");
  return connections.map((connection) => [connection].concat(childrenOf(connection.pid, processes, "sshd")));
}
