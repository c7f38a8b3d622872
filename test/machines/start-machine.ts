import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DroverError } from "../../nix/drover-error.ts";
import type { MachineFiles } from "./machine-files.ts";
import type { FleetMode, MachineSettings } from "./machine-options.ts";
import { type NamespacedProcess, startInNamespaces } from "./namespaced-process.ts";
import type { Cable } from "./network.ts";
import { programPath } from "./run-command.ts";
import type { SharedFiles } from "./shared-files.ts";
import { waitForGreeting } from "./ssh-readiness.ts";

/** What a machine is made of; see boot-machines.ts. */
export interface MachineParts {
  readonly settings: MachineSettings;
  readonly files: MachineFiles;
  readonly shared: SharedFiles;
  readonly cable: Cable;
  readonly fleetName: string;
  readonly mode: FleetMode;
}

/**
 * Starts init.sh in new namespaces, plugs it into the network and waits until its sshd greets.
 * @throws DroverError DROVER_MACHINE_BOOT with the end of the machine's log; nothing of it is left then
 */
export async function startMachine(parts: MachineParts): Promise<NamespacedProcess> {
  const { cable, files, settings } = parts;
  await using started = new AsyncDisposableStack();
  try {
    const machine = await startInNamespaces(namespaceFlags(parts.mode), init, environmentOfInit(parts));
    started.defer(() => cable.unplug());
    started.defer(() => machine.kill());
    await cable.plugIn(machine.pid);
    machine.send("the network is there");
    await waitForGreeting(cable, machine.ended);
    started.move();
    return machine;
  } catch (cause) {
    const log = await readFile(files.log, "utf8").catch(() => "");
    const end = log.trimEnd().split("\n").slice(-5).join("\n");
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DroverError("DROVER_MACHINE_BOOT", `machine ${settings.name} did not boot: ${reason}\n${end}`, {
      subject: settings.name,
      remedy: cause instanceof DroverError ? cause.remedy : undefined,
      cause,
    });
  }
}

const init = ["/bin/bash", join(import.meta.dirname, "init.sh")];

function namespaceFlags(mode: FleetMode): string[] {
  const network = mode === "namespaces" ? ["--net"] : [];
  // A plain user is himself in his user namespace, but with the capabilities to mount and to set a host name.
  const user = process.getuid?.() === 0 ? [] : ["--user", "--map-current-user", "--keep-caps"];
  return ["--mount", "--pid", "--ipc", "--uts", ...network, ...user];
}

function environmentOfInit({ settings, files, shared, fleetName }: MachineParts): NodeJS.ProcessEnv {
  return {
    PATH: programPath,
    NAME: settings.name,
    MACHINE_DIRECTORY: files.directory,
    SHARED_DIRECTORY: shared.directory,
    DROVER_FLEET: fleetName,
    STORE_MEGABYTES: String(settings.storeSizeMegabytes ?? ""),
    NIX_ON_PATH: settings.nixOnPath ? "yes" : "",
    SERVICES: settings.user === "nixssh" ? "nix-daemon sshd" : "sshd",
  };
}
