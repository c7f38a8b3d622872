import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { DroverError } from "../../nix/drover-error.ts";

export interface DynamoDbEngine extends AsyncDisposable {
  /** For `dynamoDbClient` and DROVER_DYNAMODB_ENDPOINT. */
  readonly endpoint: string;
  /** Resolves when the engine has ended: with an error if it did so by itself. */
  readonly ended: Promise<DroverError | undefined>;
}

export interface DynamoDbOptions {
  /** The SQLite file that keeps the tables; its directory must exist. @default in memory, gone with the engine */
  readonly file?: string | undefined;
  /** @default a free one */
  readonly port?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Starts an engine that speaks DynamoDB's protocol, for this machine only (it has no passwords). It is a process of
 * its own (dynoxide) and ends with this one, also when this one is killed, as far as the system can promise that
 * (Linux, with setpriv of util-linux).
 *
 * @throws {DroverError} DROVER_DYNAMODB_MISSING, DROVER_DYNAMODB_START
 */
export async function startDynamoDb(options: DynamoDbOptions = {}): Promise<DynamoDbEngine> {
  const binary = findBinary();
  for (let tries = 1; ; tries++) {
    const port = options.port ?? (await findFreePort());
    const engine = await startOn(binary, port, options);
    if (typeof engine !== "string") return engine;
    // Another process may have taken the free port in between.
    if (options.port === undefined && /already in use/.test(engine) && tries < 5) continue;
    throw new DroverError("DROVER_DYNAMODB_START", `the embedded DynamoDB does not start: ${engine}`, {
      subject: binary,
      remedy: "Correct what it complains of, or point DROVER_DYNAMODB_ENDPOINT at any DynamoDB.",
    });
  }
}

/** @returns what the engine said when it did not start */
async function startOn(
  binary: string,
  port: number,
  { file, signal }: DynamoDbOptions,
): Promise<DynamoDbEngine | string> {
  signal?.throwIfAborted();
  const command = [...endWithParent(), binary, "--host", "127.0.0.1", "--port", String(port)];
  const [program = binary, ...words] = [...command, ...(file === undefined ? [] : ["--db-path", file])];
  // In a group of its own: a terminal's Ctrl-C is for this process, which stops the engine last.
  const child = spawn(program, words, { stdio: ["ignore", "ignore", "pipe"], detached: true });
  const endpoint = `http://127.0.0.1:${port}`;
  let said = "";
  let stopped = false;
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-2_000)));
  const exit = new Promise<void>((resolve) => child.once("close", () => resolve()).once("error", () => resolve()));
  child.once("error", (error) => (said += error.message));
  const stop = async (): Promise<void> => {
    stopped = true;
    await end(child, exit);
  };
  try {
    // It says so only once it listens, so nobody else's answer on this port is taken for its own.
    while (isRunning(child) && !said.includes("listening on")) await pause(5, undefined, { signal });
    while (isRunning(child) && !(await answers(endpoint, signal))) await pause(5, undefined, { signal });
  } catch (error) {
    await stop();
    throw error;
  }
  if (!isRunning(child)) {
    await exit;
    return said.trim() || `it ended with ${child.exitCode ?? child.signalCode ?? "an error"}`;
  }
  return {
    endpoint,
    ended: exit.then(() => (stopped ? undefined : endedByItself(child, said))),
    [Symbol.asyncDispose]: stop,
  };
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

async function answers(endpoint: string, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    const response = await fetch(endpoint, { signal: signal ?? null });
    await response.body?.cancel();
    return true;
  } catch {
    signal?.throwIfAborted();
    return false;
  }
}

async function end(child: ChildProcess, exit: Promise<void>): Promise<void> {
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
  await exit;
  clearTimeout(timer);
}

function endedByItself(child: ChildProcess, said: string): DroverError {
  const how = child.signalCode ?? `exit code ${child.exitCode}`;
  return new DroverError("DROVER_DYNAMODB_ENDED", `the embedded DynamoDB ended (${how}): ${said.trim()}`, {
    subject: child.spawnfile,
    remedy: "Start Drover again: its tables are in their file. Look at the disk's free space and the memory first.",
  });
}

function findBinary(): string {
  try {
    return createRequire(import.meta.url).resolve(`@dynoxide/${process.platform}-${process.arch}/dynoxide`);
  } catch (cause) {
    const system = `${process.platform}-${process.arch}`;
    throw new DroverError("DROVER_DYNAMODB_MISSING", `there is no embedded DynamoDB for ${system} in node_modules`, {
      subject: `@dynoxide/${system}`,
      remedy:
        "Run `npm ci` with optional dependencies, or set DROVER_DYNAMODB_ENDPOINT to any DynamoDB, such as Amazon's DynamoDB Local.",
      cause,
    });
  }
}

let wrapper: readonly string[] | undefined;

/** A program that makes the kernel kill the engine when its parent dies, if this system has it. */
function endWithParent(): readonly string[] {
  const setpriv = ["setpriv", "--pdeathsig", "KILL", "--"];
  const [program = "", ...words] = setpriv;
  wrapper ??= spawnSync(program, [...words, "true"]).status === 0 ? setpriv : [];
  return wrapper;
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}
