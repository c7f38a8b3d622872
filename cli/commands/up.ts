import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";
import { exitCode } from "../exit-code.ts";

const program = fileURLToPath(new URL("../../local/up.ts", import.meta.url));
const forwarded = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const;

/** Runs the whole product on this machine, as a process of its own, until it ends or is told to. */
export async function up(options: { readonly data?: string; readonly port?: number }): Promise<number> {
  const args = [
    ...(options.data === undefined ? [] : ["--data", options.data]),
    ...(options.port === undefined ? [] : ["--port", String(options.port)]),
  ];
  const child = spawn(process.execPath, [program, ...args], { stdio: "inherit" });
  const listeners = forwarded.map((signal) => {
    const forward = () => {
      // A terminal sends its keys' signals to both processes; a second one would mean "at once".
      const fromTerminal = process.stdin.isTTY && (signal === "SIGINT" || signal === "SIGQUIT");
      if (!fromTerminal) child.kill(signal);
    };
    process.on(signal, forward);
    return { signal, forward };
  });
  try {
    const [code, killedBy]: [number | null, NodeJS.Signals | null] = await once(child, "close").then(
      ([code, signal]) => [code, signal],
    );
    if (code !== null) return code;
    return killedBy === null ? exitCode.failed : 128 + constants.signals[killedBy];
  } finally {
    for (const { signal, forward } of listeners) process.removeListener(signal, forward);
  }
}
