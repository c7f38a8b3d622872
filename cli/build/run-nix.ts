import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { DroverError } from "../../nix/drover-error.ts";

/**
 * Runs one of Nix's programs, which say themselves on standard error what they do and what is wrong.
 *
 * @returns the lines of its standard output
 * @throws {DroverError} DROVER_NIX_MISSING, DROVER_NIX_FAILED
 */
export async function runNix(program: string, args: readonly string[], signal: AbortSignal): Promise<string[]> {
  signal.throwIfAborted();
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"], signal, killSignal: "SIGINT" });
  const closed = once(child, "close");
  const output = text(child.stdout);
  try {
    const [code, killedBy] = await closed;
    if (code === 0) return (await output).split("\n").filter((line) => line !== "");
    throw new DroverError("DROVER_NIX_FAILED", `${program} ended with ${code ?? killedBy}; what it said is above`, {
      subject: program,
      remedy: "Correct what it complains about.",
      details: { code },
    });
  } catch (error) {
    signal.throwIfAborted();
    throw startError(program, error);
  }
}

/** What `spawn` says when there is no such program, in words that help. Any other error is given back as it is. */
export function startError(program: string, error: unknown): unknown {
  if (!(error instanceof Error) || !("code" in error) || error.code !== "ENOENT") return error;
  return new DroverError("DROVER_NIX_MISSING", `there is no program ${program} in PATH`, {
    subject: program,
    remedy: "Install Nix (https://nixos.org/download), or open a new shell if it has just been installed.",
    cause: error,
  });
}
