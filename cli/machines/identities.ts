import { isAbsolute } from "node:path";
import type { Findings } from "./findings.ts";
import { expandPath, type PathTokens } from "./path-tokens.ts";
import { lookAtPrivateKey } from "./private-key.ts";
import type { SshConfiguration, SshSettings } from "./ssh-settings.ts";

/** Looks at the identity that a line names: its third field, or `?ssh-key=`. Relative paths are the parser's affair. */
export async function checkNamedIdentity(path: string, findings: Findings): Promise<void> {
  if (!isAbsolute(path)) return;
  const file = await lookAtPrivateKey(path);
  if (file.state === "locked") {
    findings.error("DROVER_IDENTITY_LOCKED", lockedText(path), lockedRemedy(path, "and write - in the third field"));
  } else if (file.state === "missing") {
    findings.lint(
      "DROVER_IDENTITY_MISSING",
      `The SSH identity ${path} is not on this machine.`,
      "Put it where the runner is, or correct the path.",
    );
  } else if (file.state !== "usable") {
    const code = file.state === "invalid" ? "DROVER_IDENTITY_INVALID" : "DROVER_IDENTITY_UNREADABLE";
    findings.lint(
      code,
      `The SSH identity ${path} can't be used from here: ${file.why}.`,
      "Name a file that ssh-keygen wrote without the ending .pub; the runner must be able to read it.",
    );
  }
}

/**
 * The identity of an ssh_config: of the files that it names, the first with a key that needs no passphrase, as OpenSSH
 * would use it without a terminal. If there is none, a key with a passphrase that is meant for this host is an error;
 * one that the configuration has for all hosts is not.
 *
 * @param agent whether an agent holds the keys that have a passphrase
 * @returns null when no file is named, or none can be used
 */
export async function configuredIdentity(
  settings: SshSettings,
  { defaults, everywhere }: Pick<SshConfiguration, "defaults" | "everywhere">,
  { tokens, agent, findings }: { readonly tokens: PathTokens; readonly agent: boolean; readonly findings: Findings },
): Promise<string | null> {
  const named = settings.get("identityfile") ?? [];
  const isThatOf = (other: SshSettings): boolean => named.join("\n") === other.get("identityfile")?.join("\n");
  // Where nobody names a file, ssh prints those that it tries by itself.
  if (isThatOf(defaults)) return null;
  const usable: string[] = [];
  const locked: string[] = [];
  const unusable: string[] = [];
  for (const file of named.filter((name) => name !== "none")) {
    const path = expandPath(file, tokens);
    const found = path === undefined ? undefined : await lookAtPrivateKey(path);
    // Whom the owner can't read as this user may well be readable for the runner.
    if (path !== undefined && (found?.state === "usable" || found?.state === "unreadable")) usable.push(path);
    else if (path !== undefined && found?.state === "locked") locked.push(path);
    else
      unusable.push(
        `${path ?? file} (${found?.state === "invalid" ? found.why : (found?.state ?? "it has an unknown token")})`,
      );
  }
  const [first, ...others] = usable;
  if (first !== undefined) {
    if (others.length > 0) {
      findings.leftBehind(
        `Of the IdentityFiles for '${tokens.originalHost}', Drover uses the first, ${first}, and not ${others.join(", ")}.`,
        "Name the right one in the line's third field, if it is another one.",
      );
    }
    return first;
  }
  if (agent) return null;
  const [path] = locked;
  if (path !== undefined && !isThatOf(everywhere)) {
    findings.error("DROVER_IDENTITY_LOCKED", lockedText(path), lockedRemedy(path, "and name it as IdentityAgent"));
  } else if (named.some((name) => name !== "none")) {
    const files = [...locked.map((file) => `${file} (has a passphrase)`), ...unusable].join(", ");
    findings.leftBehind(
      `No IdentityFile for '${tokens.originalHost}' can be used: ${files}. Drover logs in with its own key.`,
      "Correct the ssh_config, or let in the deployment's key: drover keys show",
    );
  }
  return null;
}

function lockedText(path: string): string {
  return `The SSH identity ${path} has a passphrase.`;
}

/** Nix's manual, "Remote Builds". */
function lockedRemedy(path: string, agent: string): string {
  return (
    "Since builds should be non-interactive, the key should not have a passphrase: remove it (ssh-keygen -p -N '' -f " +
    `${path}), or make another key. Alternatively, load it into an ssh-agent ahead of time ${agent}.`
  );
}
