import { DroverError } from "../nix/drover-error.ts";

const names = new Set(["--arg", "--argstr"]);

/**
 * Nix writes `--arg name value`, an option with two values, which the argument parser does not know. Joins the two to
 * `--arg name=value`; a name never has `=` in it, so what is joined already stays as it is.
 */
export function joinNixArguments(args: readonly string[]): string[] {
  const joined: string[] = [];
  for (let index = 0; index < args.length; index += 1) {
    const argument = args[index] ?? "";
    const [name, value] = args.slice(index + 1, index + 3);
    if (argument === "--") return [...joined, ...args.slice(index)];
    if (names.has(argument) && name !== undefined && !name.includes("=") && value !== undefined) {
      joined.push(`${argument}=${name}=${value}`);
      index += 2;
    } else {
      joined.push(argument);
    }
  }
  return joined;
}

/** `--arg` and `--argstr` as nix-instantiate wants them. @throws {DroverError} DROVER_USAGE */
export function nixArguments({
  arg,
  argstr,
}: {
  readonly arg: readonly string[];
  readonly argstr: readonly string[];
}): string[] {
  return [...arg.flatMap((text) => split("--arg", text)), ...argstr.flatMap((text) => split("--argstr", text))];
}

function split(option: string, text: string): string[] {
  const end = text.indexOf("=");
  if (end > 0) return [option, text.slice(0, end), text.slice(end + 1)];
  throw new DroverError("DROVER_USAGE", `${option} needs a name and a value`, {
    remedy: `Write ${option} name value, or ${option} name=value.`,
  });
}
