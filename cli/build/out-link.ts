import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DroverError } from "../../nix/drover-error.ts";
import type { StorePath } from "../../nix/store-path.ts";
import type { Service } from "../api/service.ts";
import { runNix } from "./run-nix.ts";

export interface LinkedOutput {
  readonly name: string;
  readonly path: StorePath;
}

/** Names as nix-build gives them: `result`, `result-2`; outputs other than `out` have theirs behind: `result-2-dev`. */
export function linkNames(prefix: string, targets: readonly (readonly LinkedOutput[])[]): Map<string, StorePath> {
  const links = new Map<string, StorePath>();
  for (const [index, outputs] of targets.entries()) {
    const numbered = index === 0 ? prefix : `${prefix}-${index + 1}`;
    for (const { name, path } of outputs) links.set(name === "out" ? numbered : `${numbered}-${name}`, path);
  }
  return links;
}

/**
 * Copies outputs from the service's binary cache into the local Nix store and links to them; the links keep the garbage
 * collector away. The token travels in a netrc file, as Nix wants it, and never on a command line. Nix takes the
 * service's signature where its key is known to the profile and the user is one whom Nix trusts, or where nix.conf has
 * the key.
 *
 * @throws {DroverError} DROVER_FETCH when Nix does not take the paths
 */
export async function fetchAndLink(
  service: Service,
  links: ReadonlyMap<string, StorePath>,
  signal: AbortSignal,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "drover-"));
  try {
    const netrc = join(directory, "netrc");
    const { hostname } = new URL(service.url);
    await writeFile(netrc, `machine ${hostname}\nlogin drover\npassword ${service.token}\n`, { mode: 0o600 });
    await copy(service, ["--option", "netrc-file", netrc], new Set(links.values()), signal);
    for (const [link, path] of links) {
      await runNix("nix-store", ["--realise", path, "--add-root", link, "--indirect"], signal);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function copy(
  { url, publicKey }: Service,
  options: readonly string[],
  paths: ReadonlySet<StorePath>,
  signal: AbortSignal,
): Promise<void> {
  const cache = `${url}/cache`;
  const trust = publicKey === undefined ? [] : ["--option", "extra-trusted-public-keys", publicKey];
  const args = [
    "--extra-experimental-features",
    "nix-command",
    ...options,
    ...trust,
    "copy",
    "--from",
    cache,
    ...paths,
  ];
  await runNix("nix", args, signal).catch((cause: unknown) => {
    signal.throwIfAborted();
    throw new DroverError("DROVER_FETCH", `the outputs are built, but Nix did not copy them from ${cache}`, {
      subject: cache,
      remedy:
        `If Nix says that a signature is missing, add ${publicKey ?? "the service's public key"} to ` +
        "trusted-public-keys in nix.conf and repeat the command: nothing is built twice.",
      cause,
    });
  });
}
