import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { assertAllowed } from "../infra/permissions/judging.ts";
import { recordFileVariable } from "../infra/permissions/record-calls.ts";
import { readRecordedCalls, type RecordedCall } from "../infra/permissions/recorded-call.ts";
import { reviewedPolicies } from "../infra/permissions/reviewed-policies.ts";
import { type Outcome, runCommand } from "../machines/run-command.ts";

const recorder = new URL("../infra/permissions/record-calls.ts", import.meta.url).href;
const program = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

export interface DeploymentOptions {
  /** Its data directory and the profile that clients read. */
  readonly directory: string;
  /** The environment of `drover` commands, besides what points them to this deployment; a client's, usually. */
  readonly environment?: Readonly<Record<string, string>>;
  /** More settings of the service. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Runs what `cdk synth` has put there instead of the sources. */
  readonly fromCdkOut?: string;
  /** URL of a module that each of its processes loads before anything else of the product's. */
  readonly preload?: string;
}

/** What of a request the tests set. */
interface ApiRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The whole product, started as a user starts it: `drover up`. */
export interface Deployment extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
  /** What it wrote so far, for messages of failing tests. */
  output(): string;
  /** Runs a `drover` command to its end. */
  drover(args: readonly string[], options?: { input?: string; environment?: Record<string, string> }): Promise<Outcome>;
  /** Runs one that has to succeed, and parses the JSON that it prints. */
  droverJson(args: readonly string[]): Promise<unknown>;
  /** Starts a command and leaves it running. */
  startDrover(args: readonly string[]): ChildProcess;
  /** A request to the API with the deployment's token. */
  api(path: string, init?: ApiRequest): Promise<Response>;
  /** The process of the runner, as the host sees it. */
  runnerPid(): Promise<number>;
  /** Every call of AWS so far that its parts have made, each kind once. Of bundles none are known. */
  awsCalls(): Promise<RecordedCall[]>;
  /**
   * Ends it as Ctrl-C does, and waits for that.
   *
   * @throws Error when a part of it has called what its role in an account is not allowed to
   */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts a deployment and waits until it is ready. Stopped ones are started again with the same directory. */
export async function startDeployment(options: DeploymentOptions): Promise<Deployment> {
  const configHome = join(options.directory, "config");
  const data = join(options.directory, "data");
  const base = {
    PATH: process.env["PATH"] ?? "",
    HOME: options.directory,
    XDG_CONFIG_HOME: configHome,
    ...options.environment,
  };
  const calls = join(options.directory, "aws-calls");
  const preloaded = [recorder, ...(options.preload === undefined ? [] : [options.preload])];
  const recording = {
    [recordFileVariable]: calls,
    NODE_OPTIONS: preloaded.map((module) => `--import=${module}`).join(" "),
  };
  const parts = options.fromCdkOut === undefined ? [] : ["--from-cdk-out", options.fromCdkOut];
  const child = spawn(process.execPath, [program, "up", "--data", data, "--port", "0", ...parts], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...base, ...recording, ...options.settings, XDG_CONFIG_HOME: configHome },
  });
  let output = "";
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      output += `${line}\n`;
      const ready = /^ready (http:\S+)$/.exec(line);
      if (ready?.[1] !== undefined) resolve(ready[1]);
    });
    child.once("exit", (code) => reject(new Error(`drover up ended with ${code}:\n${output}`)));
  });
  const token = (await readFile(join(data, "token"), "utf8")).trim();
  const environment = { ...base, DROVER_URL: url, DROVER_TOKEN: token };

  const deployment: Deployment = {
    url,
    token,
    output: () => output,
    drover: (args, more = {}) =>
      runCommand(process.execPath, [program, ...args], {
        env: { ...environment, ...more.environment },
        ...(more.input !== undefined && { input: more.input }),
      }),
    async droverJson(args) {
      const { stdout, stderr, code } = await deployment.drover(args);
      if (code !== 0) throw new Error(`drover ${args.join(" ")} exited ${code}: ${stderr}`);
      return JSON.parse(stdout);
    },
    startDrover: (args) =>
      spawn(process.execPath, [program, ...args], { env: environment, stdio: ["ignore", "pipe", "pipe"] }),
    api: (path, init = {}) =>
      fetch(`${url}${path}`, { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } }),
    runnerPid: () => childRunning(child.pid, "--stop-with-parent"),
    awsCalls: async () => readRecordedCalls(await readFile(calls, "utf8")),
    async stop(signal = "SIGTERM") {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill(signal);
      await ended;
      assertAllowed(await reviewedPolicies(), await deployment.awsCalls());
    },
    [Symbol.asyncDispose]: () => deployment.stop(),
  };
  return deployment;
}

/** The `drover` command starts `local/up.ts`, which starts the runner: looks through descendants. */
async function childRunning(ancestor: number | undefined, words: string): Promise<number> {
  const { stdout } = await runCommand("ps", ["-eo", "pid=,ppid=,args="]);
  const processes = stdout.split("\n").flatMap((line) => {
    const [, pid, parent, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return pid === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), command: command ?? "" }];
  });
  const family = new Set([ancestor]);
  for (let grown = true; grown;) {
    grown = false;
    for (const { pid, parent } of processes) {
      if (family.has(parent) && !family.has(pid)) {
        family.add(pid);
        grown = true;
      }
    }
  }
  const found = processes.find(({ pid, command }) => family.has(pid) && command.includes(words));
  if (found === undefined) throw new Error(`no ${words} among the deployment's processes`);
  return found.pid;
}
