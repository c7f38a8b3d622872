import * as z from "zod";
import type { Machine } from "../../../fleet/machine.ts";
import { DroverError } from "../../../nix/drover-error.ts";
import {
  encodeHostKeys,
  type HostKey,
  hostKeyFingerprint,
  parseHostKeyLine,
} from "../../../nix/machine-spec/host-key.ts";
import { parseSshUri } from "../../../nix/machine-spec/uri.ts";
import { machineChanged, machineEtag, matches } from "../machines/etags.ts";
import { findMachine } from "../machines/find-machine.ts";
import { fingerprints } from "../machines/fingerprints.ts";
import { hostKeys, ifMatch, machine, machinePath } from "../schema/machines.ts";
import type { ProblemDetail } from "../schema/problem.ts";
import { jsonOperation } from "./operation.ts";
import { inspectedView } from "./read-machines.ts";

export const trustMachine = jsonOperation({
  summary: "Trust the host keys of a machine",
  description:
    "From now on the machine must present one of them. Compare fingerprints with the machine's owner first. Where other keys are trusted already, `replace` has to be said.",
  tag: "machines",
  input: z.object({ path: machinePath, headers: ifMatch, body: hostKeys }),
  result: machine,
  etag: ({ etag }) => etag,
  problems: [404, 409, 412, 415, 422],
  async run(dependencies, { path, headers, body }) {
    const keys = parseKeys(body.keys);
    const found = await findMachine(dependencies, path.machine);
    const trusted = found.spec.hostKey === null ? [] : fingerprints(found.spec.hostKey);
    if (!matches(headers["if-match"], machineEtag(found))) throw machineChanged(found.name);
    const isSo = sameMembers(trusted, keys.map(fingerprint));
    if (!isSo && found.spec.hostKey !== null && !body.replace) throw otherKeysTrusted(found, trusted, keys);
    // At the version that has been looked at, header or not: a key that somebody else has just stored is not replaced.
    const result = isSo
      ? found
      : await dependencies.machines.setHostKey(found.name, encodeHostKeys(keys, hostOf(found)), found.version);
    await dependencies.events.send([{ type: "machine-available", machine: result.name }]);
    return await inspectedView(dependencies, result);
  },
});

/** All bad ones are told of at once. Of a key that is named twice one is kept. */
function parseKeys(lines: readonly string[]): HostKey[] {
  const keys = new Map<string, HostKey>();
  const errors: ProblemDetail[] = [];
  for (const [index, line] of lines.entries()) {
    try {
      const { type, blob, comment } = parseHostKeyLine(oneLine(line));
      // Of a line as ssh-keyscan prints it the host is of no account: it is this machine's key that is trusted.
      keys.set(fingerprint({ blob }), { type, blob, comment });
    } catch (error) {
      if (!(error instanceof DroverError)) throw error;
      const { message, code, remedy } = error;
      errors.push({ pointer: `/keys/${index}`, message, code, ...(remedy !== undefined && { remedy }) });
    }
  }
  const [first] = errors;
  if (first === undefined) return [...keys.values()];
  throw new DroverError("DROVER_HOST_KEY", first.message, {
    subject: first.pointer ?? "keys",
    remedy: "Send the lines of the machine's /etc/ssh/ssh_host_*_key.pub files.",
    details: { errors },
  });
}

/** A second line would hide in the comment of the first. */
function oneLine(text: string): string {
  const line = text.trim();
  if (!/[\r\n]/.test(line)) return line;
  throw new DroverError("DROVER_HOST_KEY", "The host key has more than one line.", {
    remedy: "Send each line as a key of its own.",
  });
}

function otherKeysTrusted({ name }: Machine, trusted: readonly string[], keys: readonly HostKey[]): DroverError {
  const stored = trusted.join(", ") || "a key that can not be read";
  const offered = keys.map(fingerprint).join(", ");
  return new DroverError("DROVER_HOST_KEY_STORED", `'${name}' is trusted by ${stored}, not by ${offered}.`, {
    subject: name,
    remedy: `Ask its owner whether the machine has got new host keys; if so, replace them: drover machines trust --replace ${name}`,
  });
}

function fingerprint({ blob }: Pick<HostKey, "blob">): string {
  return hostKeyFingerprint(blob);
}

function hostOf({ spec }: Machine): string {
  return parseSshUri(spec.uri).host;
}

function sameMembers(some: readonly string[], others: readonly string[]): boolean {
  return new Set(some).symmetricDifference(new Set(others)).size === 0;
}
