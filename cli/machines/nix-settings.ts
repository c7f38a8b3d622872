import * as z from "zod";
import { startError } from "../build/run-nix.ts";
import { DroverError } from "../../nix/drover-error.ts";
import { runProgram } from "./run-program.ts";
import type { TextSource } from "./text-source.ts";

export interface NixSettings {
  /** The text of `builders`. */
  readonly source: TextSource;
  /** `system`: what lines build for that name no system. */
  readonly system: string | undefined;
}

const settings = z.object({
  builders: z.object({ value: z.string() }),
  system: z.object({ value: z.string() }).optional(),
});

/** Since 2.20, and before. */
const commands = [["config", "show"], ["show-config"]] as const;

/**
 * Asks the installed Nix for its settings, as its configuration files and the environment have them.
 *
 * @throws {DroverError} DROVER_NIX_MISSING, DROVER_NIX_FAILED
 */
export async function readNixSettings(signal: AbortSignal): Promise<NixSettings> {
  let said = "";
  for (const command of commands) {
    const args = ["--extra-experimental-features", "nix-command", ...command, "--json"];
    const outcome = await runProgram("nix", args, signal);
    if (outcome === undefined) throw startError("nix", Object.assign(new Error("ENOENT"), { code: "ENOENT" }));
    const parsed = outcome.code === 0 ? settings.safeParse(jsonOf(outcome.stdout)) : undefined;
    if (parsed?.success === true) {
      const { builders, system } = parsed.data;
      return { source: sourceOf(builders.value), system: system?.value };
    }
    said = outcome.stderr.trim() || "it did not print its settings as JSON";
  }
  throw new DroverError("DROVER_NIX_FAILED", `nix does not say what its setting builders is: ${said}`, {
    subject: "nix",
    remedy: "Try `nix config show builders`; or import the file itself: drover machines import /etc/nix/machines",
  });
}

/** Nix resolves the setting's own relative includes where it starts its build hook, in the root directory. */
function sourceOf(text: string): TextSource {
  return { file: "builders (nix.conf)", path: null, folder: "/", nixCountsFromRoot: false, text };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
