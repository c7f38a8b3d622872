import type { SshRoute } from "../../lambdas/api/schema/machines.ts";
import type { Findings } from "./findings.ts";
import { configuredIdentity } from "./identities.ts";
import { noteLeftBehind } from "./left-behind.ts";
import { endpointOf, type Surroundings } from "./ssh-endpoint.ts";
import { jumpsOf } from "./ssh-jumps.ts";
import { settingOf, type SshConfiguration, type SshDestination } from "./ssh-settings.ts";

/**
 * How the owner's ssh_config reaches the host of a line. What the line itself says goes first: ssh is told its user and
 * port, and a line with an identity of its own needs no other one.
 *
 * @param ownIdentity whether the line names its identity
 * @returns undefined when the configuration adds nothing to the line, or when the way is not known (an error in `findings`)
 * @throws {DroverError} DROVER_SSH_CONFIG, DROVER_PROGRAM_TIMEOUT
 */
export async function routeOf(
  destination: SshDestination,
  configuration: SshConfiguration,
  surroundings: Surroundings & { readonly ownIdentity: boolean; readonly findings: Findings },
): Promise<SshRoute | undefined> {
  const { ownIdentity, findings, signal } = surroundings;
  const settings = await configuration.settingsFor(destination, signal);
  const { host, port, user, tokens } = endpointOf(destination, settings, surroundings);
  const agent = settingOf(settings, "identityagent");
  const identityAgent = agent?.startsWith("/") === true && !ownIdentity ? agent : null;
  const choice = { tokens, agent: identityAgent !== null, findings };
  const identityFile = ownIdentity ? null : await configuredIdentity(settings, configuration, choice);
  noteLeftBehind(destination.host, settings, configuration, findings);
  const jumps = await jumpsOf(settings, configuration, surroundings);
  if (jumps === undefined) return undefined;
  const isAsWritten = host === destination.host && port === (destination.port ?? 22) && user === destination.user;
  if (isAsWritten && identityFile === null && identityAgent === null && jumps.length === 0) return undefined;
  return { host, port, user, identityFile, identityAgent, jumps };
}
