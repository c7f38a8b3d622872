import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { HostKeyType, MachineSettings } from "./machine-options.ts";
import { mustRun } from "./run-command.ts";
import type { SharedFiles } from "./shared-files.ts";
import { removeTree } from "./temporary-directory.ts";

/** Where a machine's state is on the host. `control` is /run/machine inside. */
export interface MachineFiles {
  readonly directory: string;
  readonly control: string;
  readonly log: string;
}

/**
 * Uids that no distribution gives away. Not Debian's nixbld users: when a build ends, Nix kills every process of its
 * build user, so that a Nix on the host would reach into our machines, whose processes it can see.
 */
const firstBuildUser = 52_301;
const buildUsers = 32;

/** Writes a new machine's state: keys, configuration, empty store. What was there before is deleted. */
export async function writeMachineFiles(
  parent: string,
  settings: MachineSettings,
  address: { readonly host: string; readonly port: number },
  shared: SharedFiles,
  fleetName: string,
): Promise<MachineFiles> {
  const directory = join(parent, settings.name);
  const control = join(directory, "control");
  await removeTree(directory);
  for (const folder of ["root", "nix", "control", "etc/nix", "homes/root", "homes/home"]) {
    await mkdir(join(directory, folder), { recursive: true });
  }
  await mkdir(join(directory, "tmp"));
  await chmod(join(directory, "tmp"), 0o1777);
  await chmod(join(directory, "nix"), 0o755); // whatever this process's umask is
  await writeHostKeys(control, settings);
  await writeFile(join(control, "sshd_config"), sshdConfig(settings, address, shared, fleetName));
  await writeFile(join(directory, "etc/nix/nix.conf"), nixConf(settings, shared));
  await writeFile(join(directory, "etc/hosts"), `127.0.0.1 localhost\n127.0.1.1 ${settings.name}\n`);
  await writeAccounts(join(directory, "etc"), settings.shell);
  await writePrograms(control, settings.programs);
  if (settings.forcedCommand !== undefined) {
    const keys = await readFile(shared.authorizedKeys, "utf8");
    await writeFile(join(control, "authorized_keys"), `restrict,command="${settings.forcedCommand}" ${keys}`);
  }
  const home = settings.user === "root" ? "homes/root" : `homes/home/${settings.user}`;
  await mkdir(join(directory, home), { recursive: true });
  if (settings.noise !== undefined) await writeFile(join(directory, home, ".noise"), `${settings.noise}\n`);
  await writeFile(join(directory, home, ".bashrc"), settings.noise === undefined ? "" : "cat ~/.noise\n");
  return { directory, control, log: join(directory, "log") };
}

/** Makes new host keys in place of what there is; sshd has to be told. */
export async function writeHostKeys(control: string, settings: MachineSettings): Promise<void> {
  for (const type of settings.hostKeyTypes) {
    const path = join(control, hostKeyFile(type));
    await rm(path, { force: true });
    await mustRun("ssh-keygen", ["-q", "-t", type, "-N", "", "-C", `root@${settings.name}`, "-f", path]);
  }
}

export function hostKeyFile(type: HostKeyType): string {
  return `ssh_host_${type}_key`;
}

function sshdConfig(
  settings: MachineSettings,
  { host, port }: { readonly host: string; readonly port: number },
  shared: SharedFiles,
  fleetName: string,
): string {
  const ownKeys = settings.forcedCommand === undefined ? shared.authorizedKeys : "/run/machine/authorized_keys";
  return [
    `ListenAddress ${host}:${port}`,
    ...settings.hostKeyTypes.map((type) => `HostKey /run/machine/${hostKeyFile(type)}`),
    `AuthorizedKeysFile ${ownKeys}`,
    "StrictModes no",
    "PermitRootLogin prohibit-password",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "UsePAM no",
    "PidFile none",
    `MaxSessions ${settings.maxSessions}`,
    `AllowTcpForwarding ${settings.forwarding ? "yes" : "no"}`,
    `SetEnv "DROVER_FLEET=${fleetName}"${sessionVariables(settings)}`,
    "",
  ].join("\n");
}

/** sshd reads the first SetEnv only, so all are on one line. */
function sessionVariables({ nixOnPath, programs, storeDirectory }: MachineSettings): string {
  const own = Object.keys(programs).length === 0 ? "" : "/run/machine/programs:";
  const path = nixOnPath ? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" : "/opt/without-nix";
  return [
    ...(nixOnPath && own === "" ? [] : [` "PATH=${own}${path}"`]),
    ...(storeDirectory === undefined ? [] : [` "NIX_STORE_DIR=${storeDirectory}"`]),
  ].join("");
}

/** sandbox-paths: the host's programs, so that builders that are shell scripts work offline and without nixpkgs. */
function nixConf(settings: MachineSettings, shared: SharedFiles): string {
  const [system = "", ...otherSystems] = settings.systems;
  return [
    `system = ${system}`,
    `extra-platforms = ${otherSystems.join(" ")}`,
    `system-features = ${[...settings.supportedFeatures, ...settings.mandatoryFeatures].join(" ")}`,
    `sandbox = ${settings.sandbox}`,
    `sandbox-paths = /bin? /usr? /lib? /lib64? /run/machine-name ${shared.probeDirectory}`,
    "sandbox-fallback = false",
    "substitute = false",
    `trusted-users = root${settings.trusted ? " nixssh" : ""}`,
    `build-users-group = ${settings.user === "builder" ? "" : "drover-build"}`,
    settings.extraConf,
    "",
  ].join("\n");
}

async function writePrograms(control: string, programs: MachineSettings["programs"]): Promise<void> {
  await mkdir(join(control, "programs"));
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(join(control, "programs", name), `#!/bin/sh\n${script}\n`);
    await chmod(join(control, "programs", name), 0o755);
  }
}

async function writeAccounts(etc: string, shell: string): Promise<void> {
  const numbers = Array.from({ length: buildUsers }, (_, index) => index + 1);
  const builder = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const users = [
    ["root", 0, 0, "/root", shell],
    ...(builder.uid === 0 ? [] : [["builder", builder.uid, builder.gid, "/home/builder", shell]]),
    ["sshd", firstBuildUser - 3, 65_534, "/run/sshd", "/usr/sbin/nologin"],
    ["nixssh", firstBuildUser - 2, 65_534, "/home/nixssh", shell],
    ...numbers.map((n) => [`drover-build-${n}`, firstBuildUser + n, firstBuildUser, "/var/empty", "/usr/sbin/nologin"]),
    ["nobody", 65_534, 65_534, "/var/empty", "/usr/sbin/nologin"],
  ];
  const members = numbers.map((n) => `drover-build-${n}`).join(",");
  const groups = [
    "root:x:0:",
    "tty:x:5:",
    `drover-build:x:${firstBuildUser}:${members}`,
    ...(builder.gid === 0 ? [] : [`builder:x:${builder.gid}:`]),
    "nogroup:x:65534:",
  ];
  const passwd = users.map(([name, uid, gid, home, shell]) => `${name}:x:${uid}:${gid}::${home}:${shell}`);
  const shadow = users.map(([name]) => `${name}:*:19000:0:99999:7:::`); // no password, but not locked either
  await writeFile(join(etc, "passwd"), `${passwd.join("\n")}\n`);
  await writeFile(join(etc, "group"), `${groups.join("\n")}\n`);
  await writeFile(join(etc, "shadow"), `${shadow.join("\n")}\n`, { mode: 0o600 });
}
