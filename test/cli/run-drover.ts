import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Outcome, runCommand } from "../machines/run-command.ts";

export const program = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

export interface DroverOptions {
  /** Besides PATH and a home without a profile. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly signal?: AbortSignal;
}

/** Runs the real command in a process of its own, away from the profile of whoever runs the tests. */
export async function runDrover(args: readonly string[], options: DroverOptions = {}): Promise<Outcome> {
  const home = await mkdtemp(join(tmpdir(), "drover-cli-"));
  try {
    return await runCommand(process.execPath, [program, ...args], {
      env: { PATH: process.env["PATH"] ?? "", HOME: home, ...options.environment },
      input: options.input ?? "",
      ...(options.signal !== undefined && { signal: options.signal }),
    });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
