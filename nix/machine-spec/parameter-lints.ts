import type { Field } from "./entries.ts";
import { quote } from "./quote.ts";
import type { EntryReport, Remark } from "./report.ts";
import type { MachineUri } from "./uri.ts";

/** Those that Drover heeds, as Nix does (libstore/ssh-store.cc, legacy-ssh-store.cc, common-ssh-store-config.cc). */
const heeded = ["ssh-key", "base64-ssh-public-host-key", "compress", "remote-program", "remote-store"];

/** Settings of Nix's stores that say nothing about where and how to build. */
const idle: ReadonlySet<string> = new Set([
  "store",
  "path-info-cache-size",
  "priority",
  "want-mass-query",
  "trusted",
  "system-features",
  "max-connection-age",
  "log-fd",
]);

/** The words for a boolean setting (libutil/config.cc). */
const booleans: ReadonlySet<string> = new Set(["true", "yes", "1", "false", "no", "0"]);

/** Parameters of an address that do nothing, or not what they seem to. */
export function lintParameters(report: EntryReport, field: Field, { ssh, query }: MachineUri): void {
  for (const part of query.ignored) {
    const remedy = "Give it a value after an equals sign, or remove it.";
    report.lint(field, parameter(`The parameter ${quote(part)} is ignored.`, remedy));
  }
  for (const name of query.repeated) {
    const remedy = "Remove the others.";
    report.lint(field, parameter(`The parameter ${quote(name)} is there twice; the first one counts.`, remedy));
  }
  for (const name in ssh?.parameters) {
    const remark = lintParameter(name, ssh?.parameters[name] ?? "");
    if (remark !== undefined) report.lint(field, remark);
  }
}

function lintParameter(name: string, value: string): Remark | undefined {
  if (name === "compress" && !booleans.has(value)) {
    return parameter(`compress=${quote(value)} is neither true nor false.`, "Write ?compress=true, or remove it.");
  }
  if (name === "ssh-key" && !value.startsWith("/")) return relativeKey(value);
  if (heeded.includes(name)) return undefined;
  if (name === "max-connections") return maxConnections;
  return idle.has(name) ? parameter(`${quote(name)} is ignored by Drover.`, instead(name)) : unknown(name);
}

const maxConnections = parameter(
  "'max-connections' is ignored by Drover, which opens the connections it needs. Nix uses 1 with ssh, whatever is written; with ssh-ng and more than 1, Nix 2.4 to 2.31 hangs.",
  "Remove it; the fourth field says how many builds may run at once.",
);

/** Of the third field, too. */
export function relativeKey(path: string): Remark {
  const home = path.startsWith("~") ? " Nobody expands the ~." : "";
  return {
    code: "DROVER_MACHINE_SSH_KEY",
    message: `The identity file ${quote(path)} is not an absolute path.${home}`,
    remedy: "Write its full path: Nix refuses to connect with another one.",
  };
}

function instead(name: string): string {
  if (name === "system-features") return "Remove it; Nix overwrites it, too: features belong into the sixth field.";
  if (name === "store") return "Remove it; a private store of the machine goes into ?remote-store=.";
  return "Leave it, if Nix reads the same line.";
}

function unknown(name: string): Remark {
  if (name === "port") {
    return parameter(
      "The parameter 'port' is Lix's; neither Nix nor Drover knows it.",
      "Write the port behind the host: ssh://host:2222.",
    );
  }
  const near = [...heeded, ...idle].find((known) => plain(known) === plain(name));
  return parameter(
    `The parameter ${quote(name)} is unknown to Nix and to Drover, and ignored.`,
    near === undefined ? `Correct its name, or remove it. Drover knows ${heeded.join(", ")}.` : `Write ${near}.`,
  );
}

/** What is left when a name is mistyped in the usual ways. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
}

function parameter(message: string, remedy: string): Remark {
  return { code: "DROVER_MACHINE_PARAMETER", message, remedy };
}
