import { access, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DroverError } from "../../nix/drover-error.ts";
import { runProgram } from "./run-program.ts";
import { saysTheSameOfAllHosts } from "./ssh-config-scope.ts";

/** What is asked about: words of a machine's address, or of a ProxyJump. What is null is left to the configuration. */
export interface SshDestination {
  readonly host: string;
  readonly user: string | null;
  readonly port: number | null;
  /** As in `ssh -J`: hops that a ProxyJump itself names on the way to this one. */
  readonly jumps?: string | undefined;
}

/** What OpenSSH would do, as `ssh -G` prints it: options in lower case; some occur several times. */
export type SshSettings = ReadonlyMap<string, readonly string[]>;

/** OpenSSH's own reading of the owner's ssh_config. */
export interface SshConfiguration extends AsyncDisposable {
  /** @throws {DroverError} DROVER_SSH_CONFIG when ssh can not read the configuration; DROVER_PROGRAM_TIMEOUT */
  settingsFor(destination: SshDestination, signal: AbortSignal): Promise<SshSettings>;
  /** What holds without any configuration. */
  readonly defaults: SshSettings;
  /** What holds for a host that nobody has heard of: what the configuration says of all hosts. */
  readonly everywhere: SshSettings;
}

/** Stands for a user that nothing names: `ssh -G` prints the local user then, whom somebody may have named as well. */
export const unnamedUser = "drover--unnamed";

const anyHost = { host: "drover-any-host.invalid", user: null, port: null };
const systemWide = "/etc/ssh/ssh_config";

/**
 * Opens the ssh_config of whoever has this home, and the system's.
 *
 * @param home its directory
 * @returns undefined when there is no configuration to read
 * @throws {DroverError} DROVER_SSH_MISSING when there is one but no ssh to read it; DROVER_SSH_CONFIG
 */
export async function openSshConfiguration(home: string, signal: AbortSignal): Promise<SshConfiguration | undefined> {
  const candidates = [join(home, ".ssh", "config"), systemWide];
  const present = await Promise.all(candidates.map(isReadable));
  const files = candidates.filter((_, index) => present[index]);
  if (files.length === 0) return undefined;
  await using opened = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "drover-ssh-"));
  opened.defer(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, "config");
  // The first value of an option counts, so what stands at the end is a default.
  const includes = files.map((path) => `Include "${path}"\n`).join("");
  await writeFile(file, `${includes}Host *\n  User ${unnamedUser}\n`, { mode: 0o600 });
  const [defaults, everywhere, same] = await Promise.all([
    ask("/dev/null", anyHost, signal),
    ask(file, anyHost, signal),
    saysTheSameOfAllHosts(files),
  ]);
  const release = opened.move();
  return {
    defaults,
    everywhere,
    settingsFor: async (destination, signal) =>
      same && destination.jumps === undefined
        ? forAnother(everywhere, destination)
        : await ask(file, destination, signal),
    [Symbol.asyncDispose]: async () => await release.disposeAsync(),
  };
}

async function ask(file: string, destination: SshDestination, signal: AbortSignal): Promise<SshSettings> {
  const { host, user, port, jumps } = destination;
  const args = ["-G", "-F", file];
  if (user !== null) args.push("-l", user);
  if (port !== null) args.push("-p", String(port));
  if (jumps !== undefined) args.push("-J", jumps);
  const outcome = await runProgram("ssh", [...args, "--", host], signal);
  if (outcome === undefined) {
    throw new DroverError("DROVER_SSH_MISSING", "Your ssh_config is not taken into account, since there is no ssh.", {
      subject: "ssh",
      remedy: "Install OpenSSH's client and import again, if a line's host is an alias of your ssh_config.",
    });
  }
  if (outcome.code === 0) return parseSettings(outcome.stdout);
  const said = outcome.stderr
    .trim()
    .split(/\s*\n\s*/)
    .join("; ");
  const what = host === anyHost.host ? "ssh can't read your ssh_config" : `ssh can't say how it reaches '${host}'`;
  throw new DroverError("DROVER_SSH_CONFIG", `${what}: ${said}. The address is taken as it is written.`, {
    subject: host,
    remedy: "Correct your ssh_config until `ssh -G` with the line's host prints its settings, and import again.",
  });
}

/** What ssh would say, where the configuration makes no difference between hosts. */
function forAnother(settings: SshSettings, { host, user, port }: SshDestination): SshSettings {
  return new Map([
    ...settings,
    ...(settingOf(settings, "hostname") === anyHost.host ? [["hostname", [host]] as const] : []),
    ...(user === null ? [] : [["user", [user]] as const]),
    ...(port === null ? [] : [["port", [String(port)]] as const]),
  ]);
}

function parseSettings(text: string): SshSettings {
  const settings = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [, option, value] = /^(\S+) (.*)$/.exec(line) ?? [];
    if (option === undefined || value === undefined) continue;
    const values = settings.get(option.toLowerCase());
    if (values === undefined) settings.set(option.toLowerCase(), [value]);
    else values.push(value);
  }
  return settings;
}

/** The only or first value of an option; undefined where it has none. */
export function settingOf(settings: SshSettings, option: string): string | undefined {
  return settings.get(option)?.[0];
}

async function isReadable(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
