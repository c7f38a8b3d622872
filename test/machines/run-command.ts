import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { DroverError } from "../../nix/drover-error.ts";

/** What a finished command left behind. */
export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  /** Exit status, or -1 when a signal ended it. */
  readonly code: number;
}

export interface CommandOptions {
  /** @default the environment of this process, with {@link programPath} */
  readonly env?: NodeJS.ProcessEnv;
  /** @default the working directory of this process */
  readonly cwd?: string;
  /** For standard input. @default none: standard input is empty */
  readonly input?: string | Uint8Array;
  /** Kills the command with SIGKILL; the returned promise then rejects with an `AbortError`. */
  readonly signal?: AbortSignal;
}

/** Where programs are looked for: a plain user's PATH lacks the directories of sshd and ip. */
export const programPath = `${process.env["PATH"] ?? "/usr/bin:/bin"}:/usr/local/sbin:/usr/sbin:/sbin`;

/** Runs a program to its end. An exit status other than 0 is a result, not an error; a missing program is an error. */
export async function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<Outcome> {
  const child = spawn(file, args, {
    stdio: "pipe",
    killSignal: "SIGKILL",
    cwd: options.cwd,
    env: options.env ?? { ...process.env, PATH: programPath },
    signal: options.signal,
  });
  child.stdin.on("error", () => {}); // a command may end without having read its input
  child.stdin.end(options.input ?? "");
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { stdout, stderr, code: typeof code === "number" ? code : -1 };
}

/**
 * Runs a program that has to succeed and returns its standard output.
 * @throws DroverError DROVER_COMMAND_FAILED with the end of what it wrote to standard error
 */
export async function mustRun(file: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { stdout, stderr, code } = await runCommand(file, args, options);
  if (code === 0) return stdout;
  throw new DroverError("DROVER_COMMAND_FAILED", `${file} ${args.join(" ")} exited ${code}: ${stderr.slice(-2000)}`, {
    subject: file,
    details: { code },
  });
}
