import { randomBytes } from "node:crypto";
import { DroverError } from "../../nix/drover-error.ts";
import type { MachineConnection } from "../../nix/machine-spec/connection.ts";
import { unlessAborted } from "../unless-aborted.ts";
import type { SshConnection } from "../ssh/connection.ts";
import { factsCommand } from "./facts-command.ts";

/** What a machine's shell says of it. What it could not find out is absent. */
export interface ShellFacts {
  /** Where the shell finds nix-store. */
  readonly program?: string | undefined;
  /** `2.8.0`, or what else `nix-store --version` prints in parentheses and behind. */
  readonly version?: string | undefined;
  readonly storeDirectory?: string | undefined;
  /** Nix's settings by name; empty when Nix does not show them. */
  readonly settings: ReadonlyMap<string, string>;
  /** In bytes, of the file system that the path is on. */
  readonly disk?: Disk | undefined;
  /** Seconds that the machine's clock is ahead of this one's, to a second or so. */
  readonly clockAhead?: number | undefined;
}

export interface Disk {
  readonly path: string;
  readonly size: number;
  readonly available: number;
}

/** Whatever the machine says, no more of it is kept. */
const mostBytes = 256 * 1024;

/**
 * Has one shell command collect what it can. Each line of its own begins with a word that nobody can know before, so
 * that whatever else is printed there does no harm.
 *
 * @param patience milliseconds; what has come by then is what is known
 * @param now milliseconds since the epoch
 * @returns undefined when something else was run: the key may only be used for that
 * @throws {DroverError} DROVER_SSH_SESSION_REFUSED, DROVER_SSH_LOST, DROVER_SSH_TIMEOUT
 */
export async function askShell(
  connection: SshConnection,
  machine: Pick<MachineConnection, "remoteProgram" | "remoteStore">,
  { patience, now, signal }: { readonly patience: number; readonly now: () => number; readonly signal: AbortSignal },
): Promise<ShellFacts | undefined> {
  const mark = `drover-${randomBytes(8).toString("hex")}`;
  const process = await connection.exec(factsCommand(machine, mark), signal);
  process.stderr.resume();
  // A forced `nix-store --serve` ends by this.
  process.stdin.end();
  const answer = { text: "", clockReadAt: 0 };
  const limit = AbortSignal.timeout(patience);
  try {
    await unlessAborted(collect(process.stdout, mark, answer, now), AbortSignal.any([signal, limit]));
  } catch (error) {
    signal.throwIfAborted();
    if (!limit.aborted) throw connection.loss ?? error;
    if (!answer.text.includes(mark)) throw mute(connection.machine, patience);
  } finally {
    process.kill();
  }
  return answer.text.includes(mark) ? parseFacts(answer.text, mark, answer.clockReadAt / 1000) : undefined;
}

async function collect(
  stdout: AsyncIterable<Uint8Array>,
  mark: string,
  answer: { text: string; clockReadAt: number },
  now: () => number,
): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of stdout) {
    answer.text += decoder.decode(bytes, { stream: true });
    if (answer.clockReadAt === 0 && answer.text.includes(`${mark} clock`)) answer.clockReadAt = now();
    if (answer.text.length > mostBytes || answer.text.includes(`${mark} end`)) return;
  }
}

/** @param clockReadAt seconds since the epoch, on this machine, when the other one's clock arrived */
export function parseFacts(text: string, mark: string, clockReadAt: number): ShellFacts {
  const facts = new Map<string, string>();
  const settings = new Map<string, string>();
  let under = "";
  let disk: Disk | undefined;
  for (const line of text.split(/\r?\n/)) {
    const at = line.indexOf(mark);
    if (at >= 0) {
      // What a shell has printed without a line break stands before it.
      const [, key = "", value = ""] = /^ (\S+) ?(.*)$/.exec(line.slice(at + mark.length)) ?? [];
      facts.set(key, value.trim());
      under = key;
    } else if (under === "disk") disk ??= parseDisk(line, facts.get("disk") ?? "");
    else if (under === "settings") {
      const [, name, value = ""] = /^([a-z0-9-]+) = ?(.*)$/.exec(line) ?? [];
      if (name !== undefined) settings.set(name, value.trim());
    }
  }
  const clock = Number(facts.get("clock") || Number.NaN);
  return {
    program: facts.get("program") || undefined,
    version: /\((?:Nix|.*)\) (.+)$/.exec(facts.get("version") ?? "")?.[1],
    storeDirectory: /^"(.*)"$/.exec(facts.get("store-directory") ?? "")?.[1],
    settings,
    disk,
    // A clock that shows whole seconds is half a second behind on average.
    clockAhead: Number.isFinite(clock) ? clock + 0.5 - clockReadAt : undefined,
  };
}

/** A line of `df -Pk` (POSIX): file system, 1024-byte blocks in all, used and available, capacity, mount point. */
function parseDisk(line: string, path: string): Disk | undefined {
  const [, size, available] = /\s(\d+)\s+\d+\s+(-?\d+)\s+\d+%\s/.exec(line) ?? [];
  if (size === undefined || available === undefined) return undefined;
  return { path, size: Number(size) * 1024, available: Math.max(0, Number(available) * 1024) };
}

function mute(machine: string, patience: number): DroverError {
  return new DroverError("DROVER_SSH_TIMEOUT", `${machine}: its shell gave no answer within ${patience / 1000} s.`, {
    subject: machine,
    remedy: "Check that the machine is not overloaded and that the user's shell waits for nothing.",
  });
}
