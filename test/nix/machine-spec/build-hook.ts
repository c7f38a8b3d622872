import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { stripAnsi } from "../../../nix/ansi.ts";
import type { MachineSpec } from "../../../nix/machine-spec/types.ts";
import { WireEncoder } from "../../../nix/wire/encoder.ts";

/** What Nix's build hook says of a machine when none is fit. */
export type ListedMachine = Pick<MachineSpec, "systems" | "maxJobs" | "supportedFeatures" | "mandatoryFeatures">;

/** How the hook has called ssh, and the known_hosts file that it gave to it. */
export interface SshCall {
  readonly arguments: readonly string[];
  readonly knownHosts: string;
}

/** The program that the installed Nix asks where to build (libstore/build/hook-instance.cc), with an ssh that only notes. */
export class BuildHook implements AsyncDisposable {
  readonly #directory: string;
  readonly #program: string;

  private constructor(directory: string, program: string) {
    this.#directory = directory;
    this.#program = program;
  }

  static async create(): Promise<BuildHook> {
    const directory = await mkdtemp(join(tmpdir(), "drover-build-hook-"));
    await mkdir(join(directory, "bin"));
    await mkdir(join(directory, "conf"));
    await writeFile(join(directory, "bin", "ssh"), noteCall, { mode: 0o755 });
    const { stdout } = await promisify(execFile)("nix", ["--experimental-features", "nix-command", "show-config"]);
    return new BuildHook(directory, /^build-hook = (.*)$/m.exec(stdout)?.[1] ?? "");
  }

  /** The machines that Nix reads in a `builders` text, or the error for which it reads none. */
  async list(builders: string): Promise<readonly ListedMachine[] | string> {
    const { lines, error } = await this.#ask(builders, "a-system-of-nobody", []);
    if (error !== undefined) return error;
    return lines.flatMap((line) => {
      const fields = Array.from(line.matchAll(highlighted), ([, field = ""]) => field);
      const [systems = "", maxJobs, supported = "", mandatory = ""] = fields;
      if (fields.length !== 4) return [];
      return [
        {
          systems: setOf(systems),
          maxJobs: Number(maxJobs),
          supportedFeatures: setOf(supported),
          mandatoryFeatures: setOf(mandatory),
        },
      ];
    });
  }

  /** How Nix connects to the machine that it chooses for a derivation. */
  async connect(builders: string, system: string, features: readonly string[]): Promise<SshCall | undefined> {
    const call = join(this.#directory, "call");
    await rm(call, { force: true });
    await this.#ask(builders, system, features);
    const text = await readFile(call, "utf8").catch(() => "");
    const [words = "", knownHosts = ""] = text.split("\n\n");
    return text === "" ? undefined : { arguments: words.split("\n"), knownHosts };
  }

  /** What it says of a request until it has decided; or the error for which it gives up. */
  async #ask(
    builders: string,
    system: string,
    features: readonly string[],
  ): Promise<{ lines: string[]; error?: string }> {
    const directory = this.#directory;
    const hook = spawn(this.#program, ["5"], {
      cwd: "/",
      stdio: ["pipe", "ignore", "pipe"],
      env: {
        PATH: `${join(directory, "bin")}:${process.env["PATH"]}`,
        HOME: directory,
        TMPDIR: directory,
        NIX_CONF_DIR: join(directory, "conf"),
        CALL: join(directory, "call"),
      },
      signal: AbortSignal.timeout(20_000),
    });
    const exit = once(hook, "exit");
    // It may be gone before it has read all.
    hook.stdin.on("error", () => {});
    hook.stdin.write(request({ builders, system: "x86_64-linux", store: join(directory, "root") }, system, features));
    const lines: string[] = [];
    for await (const line of createInterface({ input: hook.stderr })) {
      if (/^# (decline|postpone)/.test(line)) break;
      lines.push(...messageOf(line).split("\n"));
    }
    hook.stdin.end();
    await exit;
    const error = lines.map(stripAnsi).find((line) => line.startsWith("error: "));
    return error === undefined ? { lines } : { lines, error };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** Of the first call only: the hook goes on to the next machine. */
const noteCall = `#!/bin/sh
[ ! -e "$CALL" ] || exit 1
for word; do
  printf '%s\\n' "$word"
  case $word in -oUserKnownHostsFile=*) hosts=\${word#*=} ;; esac
done > "$CALL"
{ echo; [ -z "$hosts" ] || cat "$hosts"; } >> "$CALL"
exit 1
`;

/** In Nix's messages a value is magenta. It keeps apart what has commas in it. */
// oxlint-disable-next-line no-control-regex -- it is what Nix writes
const highlighted = /\u001b\[35;1m(.*?)\u001b\[0m/gs;

/** Settings, then a derivation to be built. */
function request(settings: Readonly<Record<string, string>>, system: string, features: readonly string[]): Buffer {
  const encoder = new WireEncoder();
  for (const [name, value] of Object.entries(settings)) encoder.u64(1).text(name).text(value);
  encoder.u64(0).text("try").bool(true).text(system);
  encoder.text("/nix/store/8zd6jz1p7gl91sgrk9q63pkbvm4jnnfs-hello.drv").u64(features.length);
  for (const feature of features.toSorted()) encoder.text(feature);
  return encoder.toBuffer();
}

/** The text of a line `@nix {"action":"msg",…}`; "" of others. */
function messageOf(line: string): string {
  const event: unknown = line.startsWith("@nix ") ? JSON.parse(line.slice(5)) : null;
  const isMessage = typeof event === "object" && event !== null && "msg" in event && typeof event.msg === "string";
  return isMessage ? String(event.msg) : "";
}

function setOf(text: string): string[] {
  return [...new Set(text.split(", "))].filter((element) => element !== "").toSorted();
}
