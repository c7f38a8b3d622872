import { isDeepStrictEqual } from "node:util";
import type { MachineEntry } from "../../../cloud/ports/machines.ts";
import type { MachineOffer, SshRoute } from "../../../fleet/machine.ts";
import type { ImportedMachine } from "../schema/machines.ts";
import { fingerprints } from "./fingerprints.ts";

export type MachineChange = ImportedMachine["changes"][number];

/** One thing that an entry says, and how it is said to people. */
interface Aspect {
  readonly field: string;
  readonly value: (entry: MachineEntry) => unknown;
  readonly words: (entry: MachineEntry) => string;
}

const aspects: readonly Aspect[] = [
  { field: "address", value: ({ spec }) => spec.uri, words: ({ spec }) => spec.uri },
  { field: "route", value: ({ route }) => route, words: ({ route }) => routeWords(route) },
  { field: "systems", value: ({ spec }) => spec.systems, words: ({ spec }) => list(spec.systems) },
  { field: "max jobs", value: ({ spec }) => spec.maxJobs, words: ({ spec }) => String(spec.maxJobs) },
  { field: "speed factor", value: ({ spec }) => spec.speedFactor, words: ({ spec }) => String(spec.speedFactor) },
  {
    field: "supported features",
    value: ({ spec }) => spec.supportedFeatures,
    words: ({ spec }) => list(spec.supportedFeatures),
  },
  {
    field: "mandatory features",
    value: ({ spec }) => spec.mandatoryFeatures,
    words: ({ spec }) => list(spec.mandatoryFeatures),
  },
  { field: "identity", value: ({ spec }) => spec.sshKey, words: ({ spec }) => identityWords(spec.sshKey) },
  { field: "host key", value: ({ spec }) => spec.hostKey, words: ({ spec }) => hostKeyWords(spec.hostKey) },
  {
    field: "further lines",
    value: ({ alternatives }) => alternatives,
    words: ({ alternatives }) => alternatives.map(offerWords).join("; ") || "none",
  },
  {
    field: "place in the list",
    value: ({ position }) => position,
    words: ({ position }) => String(position + 1),
  },
];

/** What becomes different, in words. Empty exactly when both entries say the same. */
export function describeChanges(before: MachineEntry, after: MachineEntry): MachineChange[] {
  return aspects.flatMap(({ field, value, words }) => {
    if (isDeepStrictEqual(value(before), value(after))) return [];
    const [was, becomes] = [words(before), words(after)];
    // The comment of a host key, say.
    return [{ field, before: was, after: was === becomes ? `${becomes}, written differently` : becomes }];
  });
}

function list(words: readonly string[]): string {
  return words.join(", ") || "none";
}

function identityWords(path: string | null): string {
  return path ?? "the deployment's own";
}

function hostKeyWords(hostKey: string | null): string {
  return hostKey === null ? "none" : fingerprints(hostKey).join(", ") || "unreadable";
}

function offerWords({ systems, maxJobs, speedFactor, supportedFeatures, mandatoryFeatures }: MachineOffer): string {
  const offered = `${list(systems)} with ${maxJobs} jobs at speed ${speedFactor}`;
  const supports = supportedFeatures.length > 0 ? `, supports ${list(supportedFeatures)}` : "";
  return `${offered}${supports}${mandatoryFeatures.length > 0 ? `, requires ${list(mandatoryFeatures)}` : ""}`;
}

function routeWords(route: SshRoute | null): string {
  if (route === null) return "as the address says";
  const agent = route.identityAgent === null ? "" : ` by the agent ${route.identityAgent}`;
  const jumps = route.jumps.map((jump) => `${destination(jump)} (${hostKeyWords(jump.hostKey)})`);
  return `${destination(route)}${agent}${jumps.length === 0 ? "" : ` through ${jumps.join(", then ")}`}`;
}

function destination({ user, host, port, identityFile }: Omit<SshRoute, "identityAgent" | "jumps">): string {
  const named = host.includes(":") ? `[${host}]` : host;
  return `${user === null ? "" : `${user}@`}${named}:${port}${identityFile === null ? "" : ` with ${identityFile}`}`;
}
