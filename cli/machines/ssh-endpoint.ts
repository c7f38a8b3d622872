import type { PathTokens } from "./path-tokens.ts";
import { settingOf, type SshDestination, type SshSettings, unnamedUser } from "./ssh-settings.ts";

/** What belongs to whoever imports. */
export interface Surroundings {
  readonly home: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

export interface SshEndpoint {
  readonly host: string;
  readonly port: number;
  /** Null when neither the destination nor the configuration names one. */
  readonly user: string | null;
  readonly tokens: PathTokens;
}

/** Where ssh would connect for a destination. */
export function endpointOf(
  destination: SshDestination,
  settings: SshSettings,
  { home, environment }: Surroundings,
): SshEndpoint {
  const originalHost = destination.host;
  const hostName = settingOf(settings, "hostname") ?? originalHost;
  // ssh prints names in lower case.
  const host = hostName.toLowerCase() === originalHost.toLowerCase() ? originalHost : hostName;
  const port = Number(settingOf(settings, "port") ?? destination.port ?? 22);
  const named = settingOf(settings, "user") ?? null;
  const user = named === unnamedUser ? null : named;
  const hostKeyAlias = settingOf(settings, "hostkeyalias");
  return { host, port, user, tokens: { home, environment, originalHost, host, port, user, hostKeyAlias } };
}
