import { stat } from "node:fs/promises";
import { DroverError } from "../../nix/drover-error.ts";
import { isStorePath } from "../../nix/store-path.ts";

/** What somebody asked to build, before Nix has been asked about it. */
export type Target =
  | { readonly kind: "derivation"; readonly file: string; readonly outputs: readonly string[] }
  | { readonly kind: "expression"; readonly file: string }
  | { readonly kind: "flake"; readonly installable: string; readonly outputs: readonly string[] };

/**
 * Tells the kinds apart: `x.drv` with or without outputs (`x.drv!dev`, `x.drv^out,dev`), `flake#attribute`, and else
 * a file or directory with a Nix expression.
 *
 * @throws {DroverError} DROVER_TARGET
 */
export async function parseTarget(text: string): Promise<Target> {
  const derivation = /^(.+\.drv)(?:[!^](.*))?$/s.exec(text);
  if (derivation !== null) {
    const [, file = "", outputs] = derivation;
    // A store path need not be a file here: the store may be a daemon's, or below another root.
    if (isStorePath(file) || (await exists(file)))
      return { kind: "derivation", file, outputs: outputNames(text, outputs) };
    throw unknown(text, `there is no file ${file}`, "Give the path of a .drv file in the Nix store.");
  }
  if (await exists(text)) {
    const file = await stat(text);
    if (!file.isDirectory() || (await exists(`${text}/default.nix`))) return { kind: "expression", file: text };
    if (!(await exists(`${text}/flake.nix`))) {
      throw unknown(text, "the directory has neither default.nix nor flake.nix", "Give a file with a Nix expression.");
    }
    throw unknown(text, "the directory holds a flake", `Name an attribute of it: '${text}#attribute'.`);
  }
  if (text.includes("#")) {
    const [, installable = "", outputs] = /^([^^]*)(?:\^(.*))?$/s.exec(text) ?? [];
    return { kind: "flake", installable, outputs: outputNames(text, outputs) };
  }
  throw unknown(text, "there is no such file", "Give a .drv file, a file with a Nix expression, or flake#attribute.");
}

/** Nothing and `*` mean all of them, which is what an empty list says. */
function outputNames(target: string, list: string | undefined): string[] {
  if (list === undefined || list === "*") return [];
  const names = list.split(",");
  if (names.every((name) => /^[0-9a-zA-Z+._?=-]+$/.test(name))) return names;
  throw unknown(
    target,
    `'${list}' is not a list of outputs`,
    "Separate the names of outputs by commas: x.drv^out,dev.",
  );
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

function unknown(target: string, why: string, remedy: string): DroverError {
  return new DroverError("DROVER_TARGET", `'${target}' can't be built: ${why}`, { subject: target, remedy });
}
