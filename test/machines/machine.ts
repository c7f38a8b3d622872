import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DroverError } from "../../nix/drover-error.ts";
import { findConnections, findListener, runInside } from "./inside.ts";
import { hostKeyFile, writeHostKeys } from "./machine-files.ts";
import type { HostKeyType, MachineSettings } from "./machine-options.ts";
import type { NamespacedProcess } from "./namespaced-process.ts";
import type { CommandOptions, Outcome } from "./run-command.ts";
import { runCommand } from "./run-command.ts";
import { specLine, sshArguments } from "./spec-line.ts";
import { waitForHostKey } from "./ssh-readiness.ts";
import { type MachineParts, startMachine } from "./start-machine.ts";

const filling = "/nix/filling";

/** One real machine: sshd, Nix and a store of its own. Its host name is its name. */
export class Machine {
  readonly #parts: MachineParts;
  #running: NamespacedProcess | undefined;
  #hostKeys: ReadonlyMap<HostKeyType, string> = new Map();
  #keyGeneration = 0;

  constructor(parts: MachineParts) {
    this.#parts = parts;
  }

  get name(): string {
    return this.#parts.settings.name;
  }

  /** Its options with all defaults filled in. */
  get settings(): MachineSettings {
    return this.#parts.settings;
  }

  get host(): string {
    return this.#parts.cable.host;
  }

  get port(): number {
    return this.#parts.cable.port;
  }

  /** The user to log in as. */
  get user(): string {
    return this.#parts.settings.user;
  }

  /** `ssh://user@host`, and `:port` unless it is 22. Nix before 2.31 does not understand a port there. */
  get uri(): string {
    return `ssh://${this.user}@${this.host}${this.port === 22 ? "" : `:${this.port}`}`;
  }

  /** The private key that all machines of the fleet admit; it has no passphrase. */
  get identityFile(): string {
    return this.#parts.shared.identityFile;
  }

  /** Its present host key of the first type, as Nix wants it: what `base64 -w0 ssh_host_ed25519_key.pub` prints. */
  get hostKey(): string {
    return this.#hostKeys.get(this.settings.hostKeyTypes[0]) ?? "";
  }

  /** The same for each of its key types. */
  get hostKeys(): ReadonlyMap<HostKeyType, string> {
    return this.#hostKeys;
  }

  /** The public key line that `hostKey` is the base64 of. */
  get hostKeyFile(): string {
    return join(this.#parts.files.control, `${hostKeyFile(this.settings.hostKeyTypes[0])}.pub`);
  }

  /** Where `probe` derivations write who ran when: the same path on the host and in every machine of the fleet. */
  get probeFile(): string {
    return this.#parts.shared.probeFile;
  }

  /** What the machine's sshd, nix-daemon and init wrote to standard error. */
  get logFile(): string {
    return this.#parts.files.log;
  }

  get isOn(): boolean {
    return this.#running !== undefined;
  }

  /** The machine as a line of Nix's `builders`, all eight fields. */
  specLine(): string {
    return specLine(this.settings, this);
  }

  /** Runs a command through the real ssh(1), as the user who logs in. Exit status 255 is ssh's own failure. */
  async ssh(command: string, options: readonly string[] = []): Promise<Outcome> {
    return runCommand("ssh", [...options, ...(await this.sshArguments()), command]);
  }

  /**
   * Arguments of ssh(1) that log in with the fleet's key and accept no host keys but the present ones, also when
   * others come later. The destination is the last of them, so append a command.
   */
  async sshArguments(): Promise<string[]> {
    const file = join(this.#parts.files.directory, `known_hosts_${this.#keyGeneration}`);
    return sshArguments(this, file);
  }

  /** Runs a shell command in the machine (not through SSH), as root; where a plain user booted it, as `builder`. */
  async run(command: string, options: Pick<CommandOptions, "input" | "signal"> = {}): Promise<Outcome> {
    return runInside(this.#firstProcess(), command, options);
  }

  /** Boots it, with the store that it had. Nothing happens when it is on. */
  async powerOn(): Promise<void> {
    if (this.#running !== undefined) return;
    await this.#readHostKeys();
    const started = await startMachine(this.#parts);
    this.#running = started;
    void started.ended.then(() => (this.#running = this.#running === started ? undefined : this.#running));
  }

  /**
   * Kills everything in the machine at once. The kernel still closes its connections, so the other ends are told; for
   * a death that nobody is told of, `cut()` it first. Nothing happens when it is off.
   */
  async powerOff(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.kill();
    if (running !== undefined) await this.#parts.cable.unplug();
  }

  /**
   * From now on packets to it and from it vanish, without any message; over a power cycle, too.
   * @throws DroverError DROVER_MACHINES_MODE in mode "processes"
   */
  async cut(): Promise<void> {
    await this.#parts.cable.cut();
  }

  async heal(): Promise<void> {
    await this.#parts.cable.heal();
  }

  /** SIGKILLs the sshd process of every connection, not the one that listens. Returns how many connections there were. */
  async killSessions(): Promise<number> {
    const connections = findConnections(this.#firstProcess());
    for (const { pid } of connections.flat()) process.kill(pid, "SIGKILL");
    return connections.length;
  }

  /**
   * Fills the store's disk; needs `storeSizeMegabytes`. With nothing left not even Nix's database opens; with a little,
   * it is the builder of a large output that fails.
   */
  async fillDisk(leaveMegabytes = 0): Promise<void> {
    if (this.settings.storeSizeMegabytes === undefined) {
      throw new DroverError("DROVER_MACHINE_OPTIONS", `${this.name}: its store is on the host's own disk`, {
        subject: this.name,
        remedy: "Give the machine a storeSizeMegabytes.",
      });
    }
    await this.run(`cat /dev/zero > ${filling}; truncate --size -${leaveMegabytes}M ${filling}`);
  }

  async freeDisk(): Promise<void> {
    await this.run(`rm -f ${filling}`);
  }

  /** Gives it new host keys, as a reinstallation does. Connections go on. Returns the new `hostKey`. */
  async changeHostKey(): Promise<string> {
    await writeHostKeys(this.#parts.files.control, this.settings);
    this.#keyGeneration += 1;
    await this.#readHostKeys();
    process.kill(findListener(this.#firstProcess()), "SIGHUP");
    await waitForHostKey(this, this.hostKey, AbortSignal.timeout(10_000));
    return this.hostKey;
  }

  /** The hash of a store path's NAR as the machine's own database has it: `sha256:` and 52 characters of nix32. */
  async narHash(storePath: string): Promise<string> {
    const { stdout, stderr, code } = await this.run(`nix-store --query --hash '${storePath}'`);
    if (code === 0) return stdout.trim();
    throw new DroverError("DROVER_COMMAND_FAILED", `${this.name} does not have ${storePath}: ${stderr}`, {
      subject: storePath,
    });
  }

  /** Whether a path is valid in the machine's store. */
  async hasPath(storePath: string): Promise<boolean> {
    return (await this.run(`nix-store --check-validity '${storePath}'`)).code === 0;
  }

  #firstProcess(): number {
    const pid = this.#running?.firstProcess();
    if (pid !== undefined) return pid;
    throw new DroverError("DROVER_MACHINE_OFF", `machine ${this.name} is off`, {
      subject: this.name,
      remedy: "Call powerOn() first.",
    });
  }

  async #readHostKeys(): Promise<void> {
    const { control } = this.#parts.files;
    const keys = this.settings.hostKeyTypes.map(
      async (type) => [type, await readFile(join(control, `${hostKeyFile(type)}.pub`), "base64")] as const,
    );
    this.#hostKeys = new Map(await Promise.all(keys));
  }
}
