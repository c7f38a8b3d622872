import { printDerivation } from "../../../nix/derivation/print.ts";
import type { Derivation } from "../../../nix/derivation/types.ts";
import type { StorePath } from "../../../nix/store-path.ts";
import { textObject } from "../api/store-objects.ts";
import type { DirectoryCache } from "./derivations.ts";

export const absent = (name: string): StorePath => `/nix/store/${"0".repeat(32)}-${name}`;

/** Uploads a derivation as nobody's Nix would make it. */
export async function uploadText(
  { cache }: DirectoryCache,
  name: string,
  text: string,
  references: readonly StorePath[] = [],
): Promise<StorePath> {
  const { nar, description } = await textObject(`${name}.drv`, text, references);
  // Past the check that its references are there.
  await cache.addOutput(description, async function* () {
    yield nar;
  });
  return description.storePath;
}

export function uploadDerivation(
  cache: DirectoryCache,
  name: string,
  changes: Partial<Derivation>,
): Promise<StorePath> {
  const references = [...(changes.inputDerivations?.keys() ?? []), ...(changes.inputSources ?? [])];
  return uploadText(cache, name, aterm(changes), references.toSorted());
}

/** The text of a derivation without inputs, but for the changes. */
export function aterm(changes: Partial<Derivation>): string {
  const derivation: Derivation = {
    outputs: new Map([["out", { path: absent("bad"), hashAlgorithm: "", hash: "" }]]),
    inputDerivations: new Map(),
    inputSources: [],
    platform: "x86_64-linux",
    builder: "/bin/sh",
    arguments: [],
    environment: new Map(),
    ...changes,
  };
  return Buffer.from(printDerivation(derivation)).toString("latin1");
}
