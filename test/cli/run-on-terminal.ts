import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { program } from "./run-drover.ts";

/** What a person types when the terminal shows something. */
export interface Typing {
  readonly after: string;
  readonly text: string;
}

/**
 * Runs the real command on a pseudo-terminal of 200 columns (script(1) of util-linux has one), where standard output
 * and standard error are one.
 */
export async function runOnTerminal(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  typing: readonly Typing[] = [],
): Promise<{ shown: string; code: number }> {
  const home = await mkdtemp(join(tmpdir(), "drover-cli-"));
  try {
    const command = [process.execPath, program, ...args].map((word) => `'${word}'`).join(" ");
    const child = spawn("script", ["-qec", `stty cols 200; ${command}`, "/dev/null"], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { PATH: process.env["PATH"] ?? "", HOME: home, TERM: "xterm", NO_COLOR: "1", ...environment },
    });
    const left = [...typing];
    let shown = "";
    child.stdout.on("data", (chunk: Buffer) => {
      shown += chunk.toString();
      const [next] = left;
      if (next === undefined || !shown.includes(next.after)) return;
      left.shift();
      child.stdin.write(next.text);
    });
    const [code] = await once(child, "close");
    child.stdin.destroy();
    return { shown: shown.replaceAll("\r\n", "\n"), code: typeof code === "number" ? code : -1 };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
