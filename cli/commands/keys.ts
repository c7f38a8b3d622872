import type { Keys } from "../../lambdas/api/schema/keys.ts";
import { getKeys } from "../api/machine-operations.ts";
import type { Context } from "../context.ts";
import { exitCode } from "../exit-code.ts";
import { writeJson } from "../terminal/output.ts";
import type { Style } from "../terminal/style.ts";

/** Prints the public halves of the deployment's keys, and where to put them. */
export async function keysShow(context: Context, { json = false }: { readonly json?: boolean }): Promise<number> {
  const { stdout, interrupted: signal } = context;
  const client = await context.client();
  const keys = await getKeys(client, { signal });
  if (json) writeJson(stdout, keys);
  else for (const line of keysLines(keys, client.url, stdout.style)) stdout.line(line);
  return exitCode.done;
}

/** @param url of the service, without a slash at its end */
function keysLines(keys: Keys, url: string, style: Style): string[] {
  return [
    `${style.bold("SSH key")} with which the runner logs in to machines: ${keys.sshFingerprint}`,
    "Put this line into ~/.ssh/authorized_keys of the user on each machine; it allows Nix's serve protocol only:",
    "",
    keys.authorizedKeysLine,
    "",
    `${style.bold("Cache key")} with which outputs are signed.`,
    "Put these lines into nix.conf where Nix is to fetch from the cache:",
    "",
    `extra-substituters = ${url}/cache`,
    `extra-trusted-public-keys = ${keys.cachePublicKey}`,
    "",
    "The cache asks for a token: name a netrc-file in nix.conf, too (`drover up` writes one into its data directory).",
  ];
}
