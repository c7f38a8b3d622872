import type { PresentedHostKey } from "../../lambdas/api/schema/inspections.ts";
import type { Machine } from "../../lambdas/api/schema/machines.ts";
import { DroverError } from "../../nix/drover-error.ts";
import type { ApiClient } from "../api/client.ts";
import { getMachine } from "../api/machine-operations.ts";
import type { Context } from "../context.ts";
import { exitCode } from "../exit-code.ts";
import { conditionText } from "../fleet/condition.ts";
import { compareHostKeys, comparingCommands, keyLines, trustedKeys } from "../fleet/host-keys.ts";
import { inspect } from "../fleet/inspect.ts";
import { firstFailure } from "../fleet/inspection-text.ts";
import { machineNameOf } from "../fleet/machine-name.ts";
import { storeHostKeys } from "../fleet/store-host-keys.ts";
import { checkedFingerprints, chosenKeys, decide } from "../fleet/trust-decision.ts";
import { phrase } from "../terminal/one-line.ts";
import { writeJson } from "../terminal/output.ts";
import { passingNotice } from "../terminal/passing-notice.ts";
import { count } from "../terminal/units.ts";

export interface TrustOptions {
  /** `SHA256:…`, compared beforehand: only these keys are trusted, and nobody is asked. */
  readonly fingerprint: readonly string[];
  readonly replace?: boolean;
  readonly json?: boolean;
}

/** Shows the host keys that a machine presents, and trusts them after a yes, or those that were named beforehand. */
export async function machinesTrust(context: Context, given: string, options: TrustOptions): Promise<number> {
  const { stdout, stderr, interrupted: signal } = context;
  const { replace = false, json = false } = options;
  const fingerprints = checkedFingerprints(options.fingerprint);
  const client = await context.client();
  const { machine, presented } = await look(context, client, machineNameOf(given));
  const { name } = machine;
  const people = json ? stderr : stdout;
  const trusted = trustedKeys(machine.hostKey);
  people.line(`${people.style.bold(name)} presents:`);
  for (const line of keyLines(compareHostKeys(presented, trusted), people.style)) people.line(line);

  const keys = chosenKeys(name, presented, fingerprints);
  const ended = (outcome: "trusted" | "unchanged" | "declined", after: Machine, said: string) => {
    people.line(`${people.style.bold(name)}: ${said}`);
    if (json) writeJson(stdout, { outcome, keys, machine: after });
  };
  if (decide(name, compareHostKeys(keys, trusted), replace) === "nothing to do") {
    ended("unchanged", machine, alreadyText(machine));
    return exitCode.done;
  }
  if (fingerprints.length === 0 && !(await confirmed(context, name, keys))) {
    ended("declined", machine, "nothing has been changed");
    return exitCode.failed;
  }
  const lines = keys.map(({ line }) => line);
  const after = await storeHostKeys(client, machine, { keys: lines, replace }, signal);
  const are = keys.length === 1 ? "is" : "are";
  ended("trusted", after, `${count(keys.length, "key")} ${are} trusted now; ${conditionText(after, people.style)}`);
  if (trusted.length > 0) {
    stderr.line(
      "note: if its line in your machines file has the old key in the eighth field, put the new one there, too: the " +
        "next import would bring the old one back.",
    );
  }
  return exitCode.done;
}

/** What a runner sees there, and then the machine: as it is compared with what was seen. */
async function look(
  { stderr, interrupted: signal }: Context,
  client: ApiClient,
  name: string,
): Promise<{ readonly machine: Machine; readonly presented: readonly PresentedHostKey[] }> {
  using _notice = passingNotice(stderr, `looking at ${name} …`);
  const inspection = await inspect(client, name, { signal });
  if (inspection.hostKeys.length > 0) {
    return { machine: await getMachine(client, name, { signal }), presented: inspection.hostKeys };
  }
  const failure = firstFailure(inspection);
  const why = failure === undefined ? "it presents none" : `${failure.check}: ${phrase(failure.found)}`;
  throw new DroverError("DROVER_HOST_KEYS_UNSEEN", `the host keys of ${name} can't be seen: ${why}`, {
    subject: name,
    remedy: failure?.remedy ?? `See all that was looked at: drover machines show ${name}`,
  });
}

/** @throws {DroverError} DROVER_USAGE when nobody is there to be asked */
async function confirmed(context: Context, name: string, keys: readonly PresentedHostKey[]): Promise<boolean> {
  const { confirm, stderr } = context;
  const compare = comparingCommands(keys);
  if (confirm === undefined) {
    const [{ fingerprint } = { fingerprint: "SHA256:…" }] = keys;
    throw new DroverError("DROVER_USAGE", `nobody is there to say whether these are the keys of ${name}`, {
      subject: name,
      remedy:
        `Compare them with what \`${compare[0] ?? ""}\` prints on the machine itself, and name the one you ` +
        `know: drover machines trust ${name} --fingerprint ${fingerprint}. Or run it in a terminal, where you are asked.`,
    });
  }
  stderr.line("To compare, run this on the machine itself, not through the network:");
  for (const command of compare) stderr.line(`  ${command}`);
  return await confirm(keys.length === 1 ? "Trust this key?" : "Trust these keys?");
}

function alreadyText({ name, drainedFor }: Machine): string {
  const drained = drainedFor === null ? "" : `, but it is drained: drover machines enable ${name}`;
  return `trusted already${drained}`;
}
