import type { Command } from "commander";
import type { Context } from "./context.ts";

type Done = (code: number) => void;

const nameArgument = ["<name>", "[user@]host[:port]"] as const;
const namesArgument = ["<name...>", "[user@]host[:port]"] as const;

/** The commands on machines that are registered already. Each one's code is loaded when it is asked for. */
export function addMachineCommands(machines: Command, context: Context, done: Done): void {
  machines
    .command("list")
    .description("all machines, what they do and what keeps them from it")
    .option("--json", "print JSON")
    .action(async (options) => {
      const { machinesList } = await import("./commands/machines-list.ts");
      done(await machinesList(context, options));
    });
  machines
    .command("show")
    .description("one machine, and what its latest inspection found")
    .argument(...nameArgument)
    .option("--json", "print JSON")
    .action(async (name: string, options) => {
      const { machinesShow } = await import("./commands/machines-show.ts");
      done(await machinesShow(context, name, options));
    });
  machines
    .command("ping")
    .description("have the runner look at machines: do they work, and if not, why")
    .argument("[name...]", "[user@]host[:port]")
    .option("--all", "all machines")
    .option("--json", "print JSON")
    .action(async (names: string[], options) => {
      const { machinesPing } = await import("./commands/machines-ping.ts");
      done(await machinesPing(context, names, options));
    });
  machines
    .command("trust")
    .description("look at a machine's host keys, and trust them after a yes")
    .argument(...nameArgument)
    .option(
      "--fingerprint <SHA256:…>",
      "trust the key with this fingerprint only, and ask nobody; may be repeated",
      (value: string, before: readonly string[]) => [...before, value],
      [],
    )
    .option("--replace", "also where other keys are trusted already")
    .option("--json", "print JSON")
    .action(async (name: string, options) => {
      const { machinesTrust } = await import("./commands/machines-trust.ts");
      done(await machinesTrust(context, name, options));
    });
  machines
    .command("drain")
    .description("let machines finish what they build and take nothing new")
    .argument(...namesArgument)
    .action(async (names: string[]) => {
      const { machinesMode } = await import("./commands/machines-mode.ts");
      done(await machinesMode(context, names, "drained"));
    });
  machines
    .command("enable")
    .description("let machines take steps again")
    .argument(...namesArgument)
    .action(async (names: string[]) => {
      const { machinesMode } = await import("./commands/machines-mode.ts");
      done(await machinesMode(context, names, "enabled"));
    });
  machines
    .command("remove")
    .description("forget machines on which nothing runs")
    .argument(...namesArgument)
    .option("--force", "also while steps run there: they are built elsewhere")
    .action(async (names: string[], options) => {
      const { machinesRemove } = await import("./commands/machines-remove.ts");
      done(await machinesRemove(context, names, options));
    });
}

export function addKeyCommands(program: Command, context: Context, done: Done): void {
  program
    .command("keys")
    .description("the deployment's own keys")
    .command("show")
    .description("their public halves, and where to put them")
    .option("--json", "print JSON")
    .action(async (options) => {
      const { keysShow } = await import("./commands/keys.ts");
      done(await keysShow(context, options));
    });
}
