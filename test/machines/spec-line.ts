import { writeFile } from "node:fs/promises";
import type { HostKeyType, MachineSettings } from "./machine-options.ts";

interface Identity {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly uri: string;
  readonly identityFile: string;
  readonly hostKey: string;
  readonly hostKeys: ReadonlyMap<HostKeyType, string>;
}

/** A machine as a line of Nix's `builders`, all eight fields. */
export function specLine(settings: MachineSettings, identity: Identity): string {
  return [
    identity.uri,
    list(settings.systems),
    identity.identityFile,
    settings.maxJobs,
    settings.speedFactor,
    list(settings.supportedFeatures),
    list(settings.mandatoryFeatures),
    identity.hostKey,
  ].join(" ");
}

function list(items: readonly string[]): string {
  return items.length === 0 ? "-" : items.join(",");
}

/** Arguments of ssh(1) that admit these host keys only, which it writes to a file; the destination is the last. */
export async function sshArguments(identity: Identity, knownHostsFile: string): Promise<string[]> {
  const { host, port, user, identityFile } = identity;
  const keys = [...identity.hostKeys.values()].map((key) => Buffer.from(key, "base64").toString());
  await writeFile(knownHostsFile, keys.map((key) => `[${host}]:${port},${host} ${key}`).join(""));
  const options = [
    `UserKnownHostsFile=${knownHostsFile}`,
    "GlobalKnownHostsFile=/dev/null",
    "StrictHostKeyChecking=yes",
    "UpdateHostKeys=no",
    "IdentitiesOnly=yes",
    "BatchMode=yes",
    "KexAlgorithms=curve25519-sha256", // OpenSSH's default, post-quantum exchange takes 100 ms more
  ];
  const flags = options.flatMap((option) => ["-o", option]);
  return ["-F", "/dev/null", "-i", identityFile, "-p", String(port), ...flags, `${user}@${host}`];
}
