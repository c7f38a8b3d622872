import { access } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { DroverError } from "../../nix/drover-error.ts";
import { encodeHostKeys, type HostKey, parseHostKeyLine } from "../../nix/machine-spec/host-key.ts";
import { runProgram } from "./run-program.ts";
import { settingOf, type SshSettings } from "./ssh-settings.ts";

/**
 * The keys by which the owner's known_hosts knows a host, in the form of a machine's eighth field. Found by
 * ssh-keygen, since names may be hashed.
 *
 * @param settings of the host
 * @returns undefined when it is not known
 */
export async function knownHostKey(
  settings: SshSettings,
  { host, port, home }: { readonly host: string; readonly port: number; readonly home: string },
  signal: AbortSignal,
): Promise<string | undefined> {
  const alias = settingOf(settings, "hostkeyalias");
  // As OpenSSH does (sshconnect.c `check_host_key`): a host at another port may be known without it.
  const names = alias !== undefined ? [alias] : port === 22 ? [host] : [`[${host}]:${port}`, host];
  const files = [...filesOf(settings, "userknownhostsfile", home), ...filesOf(settings, "globalknownhostsfile", home)];
  for (const name of names) {
    const lines = (await Promise.all(files.map(async (file) => await find(name, file, signal)))).flat();
    const revoked = new Set(lines.flatMap((line) => (line.startsWith("@revoked ") ? [blobOf(line.slice(9))] : [])));
    const keys = new Map(
      lines
        .filter((line) => !line.startsWith("@") && !revoked.has(blobOf(line)))
        .flatMap((line) => keysOf(line).map((key): [string, HostKey] => [blobOf(line), key])),
    );
    if (keys.size > 0) return encodeHostKeys([...keys.values()], host);
  }
  return undefined;
}

/** Names of files are separated by blanks, and expanded; the default ones are those of the account's home. */
function filesOf(settings: SshSettings, option: string, home: string): string[] {
  const account = userInfo().homedir;
  const files = settingOf(settings, option)?.split(" ") ?? [];
  return files.map((file) =>
    file.startsWith(`${account}/.ssh/known_hosts`) ? join(home, file.slice(account.length)) : file,
  );
}

async function find(name: string, file: string, signal: AbortSignal): Promise<string[]> {
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  if (!isThere) return [];
  // It exits with 1 when there is no such host.
  const { stdout } = (await runProgram("ssh-keygen", ["-F", name, "-f", file], signal)) ?? { stdout: "" };
  return stdout.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

function blobOf(line: string): string {
  return line.split(" ")[2] ?? "";
}

/** Names that are hashed mean nothing elsewhere. */
function keysOf(line: string): HostKey[] {
  try {
    const { type, blob } = parseHostKeyLine(line);
    return [{ type, blob, comment: "" }];
  } catch (error) {
    if (error instanceof DroverError) return [];
    throw error;
  }
}
