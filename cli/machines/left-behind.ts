import type { Findings } from "./findings.ts";
import { settingOf, type SshConfiguration, type SshSettings } from "./ssh-settings.ts";

/** Options that decide whether ssh reaches a host and gets in, and what Drover does without them. */
const options: readonly { readonly name: string; readonly instead: string; readonly remedy: string }[] = [
  {
    name: "ProxyCommand",
    instead: "Drover connects without it",
    remedy: "Write ProxyJump, if it leads through another host; Drover starts no programs to connect.",
  },
  {
    name: "CertificateFile",
    instead: "Drover logs in without a certificate",
    remedy: "Put the public key itself into authorized_keys on the machine.",
  },
  {
    name: "PKCS11Provider",
    instead: "Drover does not ask that device",
    remedy: "Use a key in a file, or an ssh-agent that holds the device's keys (IdentityAgent).",
  },
  {
    name: "SecurityKeyProvider",
    instead: "Drover does not ask that device",
    remedy: "Use a key in a file: nobody is there to touch a device.",
  },
  {
    name: "SetEnv",
    instead: "Drover sets no variables",
    remedy: "Set it on the machine, for non-interactive shells; nix-store can be named with ?remote-program=.",
  },
  {
    name: "Compression",
    instead: "Drover compresses only where the line says so",
    remedy: "Write ?compress=true behind the line's address.",
  },
  {
    name: "BindAddress",
    instead: "the runner's system chooses the address",
    remedy: "Set up routes on the runner's machine, if the machine takes connections from that address only.",
  },
  {
    name: "BindInterface",
    instead: "the runner's system chooses the interface",
    remedy: "Set up routes on the runner's machine, if the machine takes connections from there only.",
  },
  {
    name: "AddressFamily",
    instead: "Drover takes whatever address the name has",
    remedy: "Write an address of that family as HostName.",
  },
];

/** Said only where they are set for some hosts: distributions set them for all. */
const algorithms = ["Ciphers", "MACs", "KexAlgorithms", "HostKeyAlgorithms", "PubkeyAcceptedAlgorithms"];

/** Says what the configuration wants for a host and Drover does not do. */
export function noteLeftBehind(
  host: string,
  settings: SshSettings,
  { defaults, everywhere }: Pick<SshConfiguration, "defaults" | "everywhere">,
  findings: Findings,
): void {
  for (const { name, instead, remedy } of options) {
    const value = configured(settings, defaults, name);
    if (value !== undefined) {
      findings.leftBehind(`The ssh_config has ${name} ${value} for '${host}'; ${instead}.`, remedy);
    }
  }
  for (const name of algorithms) {
    if (configured(settings, everywhere, name) === undefined) continue;
    findings.leftBehind(
      `The ssh_config has ${name} of its own for '${host}'; Drover offers what it offers to every machine.`,
      "Try it: drover machines ping says whether they agree about algorithms.",
    );
  }
  noteAgent(host, settingOf(settings, "identityagent"), findings);
}

function configured(settings: SshSettings, ordinary: SshSettings, name: string): string | undefined {
  const value = settings.get(name.toLowerCase())?.join(" ");
  const unset = value === undefined || value === "none" || value === ordinary.get(name.toLowerCase())?.join(" ");
  return unset ? undefined : value;
}

/** Paths are carried over; these mean something else wherever they are read. */
function noteAgent(host: string, agent: string | undefined, findings: Findings): void {
  if (agent === undefined || agent.startsWith("/")) return;
  findings.leftBehind(
    `The ssh_config has IdentityAgent ${agent} for '${host}'; where a line names no agent, the runner asks its own, if it has one.`,
    agent === "none"
      ? "Leave it, if the machine takes the right key all the same."
      : "Write the path of the agent's socket instead.",
  );
}
