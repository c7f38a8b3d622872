import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { DroverError } from "../nix/drover-error.ts";

const drover = fileURLToPath(new URL("../cli/main.ts", import.meta.url));

export interface CommandOptions {
  readonly environment: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly input?: string;
}

/** Runs a program with its output on the demo's own terminal; its standard output is returned instead when captured. */
export async function run(
  file: string,
  args: readonly string[],
  { environment, signal, input }: CommandOptions,
  output: "shown" | "captured" = "shown",
): Promise<string> {
  signal.throwIfAborted();
  const child = spawn(file, args, {
    env: { ...environment },
    stdio: [input === undefined ? "ignore" : "pipe", output === "shown" ? "inherit" : "pipe", "inherit"],
    signal,
    killSignal: "SIGTERM",
  });
  let captured = "";
  child.stdout?.on("data", (chunk: Buffer) => (captured += chunk.toString()));
  child.stdin?.end(input);
  const [code] = await once(child, "close");
  signal.throwIfAborted();
  if (code !== 0) {
    throw new DroverError("DROVER_DEMO", `${[file, ...args].join(" ")} ended with ${code}`, {
      remedy: "The lines above say why.",
    });
  }
  return captured;
}

/** Runs a `drover` command as a user would. */
export async function runDrover(
  args: readonly string[],
  options: CommandOptions,
  output: "shown" | "captured" = "shown",
): Promise<string> {
  return await run(process.execPath, [drover, ...args], options, output);
}

/** `drover up` in the background, ready to be used. Disposing of it ends it as Ctrl-C does. */
export async function startService(
  data: string,
  environment: Readonly<Record<string, string>>,
): Promise<AsyncDisposable & { url: string }> {
  const child = spawn(process.execPath, [drover, "up", "--data", data, "--port", "0"], {
    env: { ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const ready = /^ready (http:\S+)$/.exec(line);
      if (ready?.[1] !== undefined) resolve(ready[1]);
    });
    child.once("exit", (code) =>
      reject(new DroverError("DROVER_DEMO", `drover up ended with ${code}`, { remedy: "The lines above say why." })),
    );
  });
  return { url, [Symbol.asyncDispose]: () => end(child) };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}
