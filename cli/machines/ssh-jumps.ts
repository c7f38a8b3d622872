import type { SshRoute } from "../../lambdas/api/schema/machines.ts";
import { DroverError } from "../../nix/drover-error.ts";
import { parseAuthority } from "../../nix/machine-spec/authority.ts";
import type { Findings } from "./findings.ts";
import { configuredIdentity } from "./identities.ts";
import { knownHostKey } from "./known-hosts.ts";
import { noteLeftBehind } from "./left-behind.ts";
import { type Surroundings, endpointOf } from "./ssh-endpoint.ts";
import { settingOf, type SshConfiguration, type SshDestination, type SshSettings } from "./ssh-settings.ts";

type Jump = SshRoute["jumps"][number];

/** Most hosts on the way: what the API takes. */
const mostJumps = 10;

/**
 * The hosts of a ProxyJump, nearest first, each with what the configuration says of it. As ssh does (ssh.c), only the
 * last one of a list may have a ProxyJump of its own, and only where it is alone.
 *
 * @returns undefined when the way is not known; `findings` have the error then
 */
export async function jumpsOf(
  settings: SshSettings,
  configuration: SshConfiguration,
  surroundings: Surroundings & { readonly findings: Findings },
): Promise<Jump[] | undefined> {
  const { findings, signal } = surroundings;
  const jumps: Jump[] = [];
  let behind = settings;
  for (;;) {
    const named = settingOf(behind, "proxyjump");
    if (named === undefined || named === "none") return jumps;
    if (jumps.length === mostJumps) {
      findings.error(
        "DROVER_JUMP_HOST",
        `The ProxyJump of the ssh_config, ${named}, leads in a circle, or through more than ${mostJumps} hosts.`,
        "Shorten the way in the ssh_config.",
      );
      return undefined;
    }
    const destination = lastHop(named);
    behind = await configuration.settingsFor(destination, signal);
    const jump = await jumpTo(destination, behind, configuration, surroundings);
    if (jump === undefined) return undefined;
    jumps.unshift(jump);
  }
}

async function jumpTo(
  destination: SshDestination,
  settings: SshSettings,
  configuration: SshConfiguration,
  surroundings: Surroundings & { readonly findings: Findings },
): Promise<Jump | undefined> {
  const { findings, signal, home } = surroundings;
  const { host, port, user, tokens } = endpointOf(destination, settings, surroundings);
  noteLeftBehind(destination.host, settings, configuration, findings);
  const agent = settingOf(settings, "identityagent")?.startsWith("/") === true;
  const identityFile = await configuredIdentity(settings, configuration, { tokens, agent, findings });
  if (agent && identityFile === null) {
    findings.leftBehind(
      `The ssh_config has an IdentityAgent for the jump host '${destination.host}'; there, Drover logs in with its own key.`,
      "Name a key file without a passphrase as its IdentityFile, or let in the deployment's key: drover keys show",
    );
  }
  const hostKey = await knownHostKey(settings, { host, port, home }, signal);
  if (hostKey !== undefined) return { host, port, user, identityFile, hostKey };
  findings.error(
    "DROVER_JUMP_HOST_KEY",
    `The ssh_config leads through '${destination.host}' (${host}, port ${port}), whose host key is not in your known_hosts.`,
    `Log in there once (ssh ${destination.host}), compare its fingerprint, and import again.`,
  );
  return undefined;
}

/** `a,user@b:33` with or without `ssh://` before each: ssh goes to `b`, with `-J a`. */
function lastHop(named: string): SshDestination {
  const hops = named.split(",");
  const text = hops.pop() ?? "";
  const { user, host, port } = readHop(text.replace(/^ssh:\/\//, "").replace(/\/$/, ""), named);
  return { user, host, port, jumps: hops.length === 0 ? undefined : hops.join(",") };
}

function readHop(text: string, named: string): SshDestination {
  try {
    return parseAuthority(text, text);
  } catch (cause) {
    if (!(cause instanceof DroverError)) throw cause;
    throw new DroverError("DROVER_SSH_CONFIG", `The ProxyJump of the ssh_config, ${named}, is not understood.`, {
      subject: named,
      remedy: "Write [user@]host[:port], IPv6 addresses in brackets.",
      cause,
    });
  }
}
