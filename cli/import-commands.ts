import type { Command } from "commander";
import type { Context } from "./context.ts";

/** The commands under `drover machines` that read and write Nix's own format. */
export function addImportCommands(machines: Command, context: Context, done: (code: number) => void): void {
  machines
    .command("import")
    .description("make the fleet what a text in the format of Nix's `builders` setting says")
    .argument("[file]", "such as /etc/nix/machines; - for standard input")
    .option("--from-nix", "import what the installed Nix has as `builders`")
    .option("--prune", "remove machines that the text does not name")
    .option("--dry-run", "only print what was understood, and what would change")
    .option("--json", "print JSON")
    .action(async (file: string | undefined, options) => {
      const { machinesImport } = await import("./commands/machines-import.ts");
      done(await machinesImport(context, file, options));
    });
  machines
    .command("export")
    .description("print the fleet as a machines file of Nix")
    .option("-o, --output <file>", "write it there instead")
    .action(async (options) => {
      const { machinesExport } = await import("./commands/machines-export.ts");
      done(await machinesExport(context, options));
    });
}
