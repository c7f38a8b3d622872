import type { Field } from "./entries.ts";
import { lintParameters } from "./parameter-lints.ts";
import { quote, withoutPassword } from "./quote.ts";
import type { EntryReport, Remark } from "./report.ts";
import type { MachineUri } from "./uri.ts";

/** What a machine's address says that Drover, or Nix, makes nothing of. */
export function lintAddress(report: EntryReport, field: Field, uri: MachineUri): void {
  if (uri.ssh === null) report.lint(field, notBySsh(uri.uri));
  if (uri.authority?.hadPassword === true) report.lint(field, passwordIgnored(uri));
  if (uri.base === "localhost") report.lint(field, localhost);
  lintParameters(report, field, uri);
}

function passwordIgnored({ ssh, base }: MachineUri): Remark {
  return {
    code: "DROVER_MACHINE_PASSWORD",
    message: `The password in ${quote(withoutPassword(`${ssh?.scheme}://${base}`))} is ignored; Nix up to 2.30 takes it for a part of the user's name.`,
    remedy: "Remove it, and log in with a key.",
  };
}

const localhost: Remark = {
  code: "DROVER_MACHINE_LOCALHOST",
  message: "'localhost' is where Drover's runner is, which connects to it by SSH; Nix builds there without SSH.",
  remedy: "Write the machine's own name, unless the runner is on the same machine.",
};

/** Stores that Nix takes for machines, too. */
function notBySsh(uri: string): Remark {
  const problem = (reason: string, remedy: string): Remark => ({
    code: "DROVER_MACHINE_SCHEME",
    message: `${quote(uri)} is not reached by SSH, so Drover cannot use it: ${reason}.`,
    remedy,
  });
  const [scheme = ""] = uri.split(/[:?]/, 1);
  if (["auto", "daemon", "local", "unix"].includes(scheme)) {
    return problem(
      "it is a store on the machine where Nix itself runs",
      "Write ssh-ng://[user@]host to build on that machine, or keep this entry in Nix's own setting.",
    );
  }
  if (["http", "https", "s3", "file"].includes(scheme)) {
    return problem("it is a binary cache, which builds nothing", "Name it in Nix's `substituters` instead.");
  }
  return problem(`'${scheme}' is not ssh or ssh-ng`, "Write ssh-ng://[user@]host.");
}
