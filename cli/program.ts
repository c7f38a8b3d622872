import { readFile } from "node:fs/promises";
import { Command, CommanderError } from "commander";
import { DroverError } from "../nix/drover-error.ts";
import { type Context, processContext } from "./context.ts";
import { exitCode, exitCodeOf } from "./exit-code.ts";
import { joinNixArguments, nixArguments } from "./nix-arguments.ts";
import { addKeyCommands, addMachineCommands } from "./machine-commands.ts";
import { addImportCommands } from "./import-commands.ts";
import { collect, wholeNumber } from "./option-values.ts";
import { errorText } from "./terminal/error-text.ts";
import { addTokenCommands } from "./token-commands.ts";

/** Runs the command that the arguments say; says on standard error what went wrong. @returns the exit code */
export async function runProgram(args: readonly string[]): Promise<number> {
  const context = processContext();
  // `drover … | head` is no error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(exitCode.done);
    throw error;
  });
  let code: number = exitCode.done;
  const program = createProgram(context, await version(), (result) => {
    code = result;
  });
  try {
    await program.parseAsync(joinNixArguments(args), { from: "user" });
    return code;
  } catch (thrown) {
    const error = thrown instanceof CommanderError ? usageError(thrown) : thrown;
    if (error === undefined)
      return thrown instanceof CommanderError && thrown.exitCode !== 0 ? exitCode.usage : exitCode.done;
    context.stderr.line(errorText(error, context.stderr.style));
    return exitCodeOf(error);
  }
}

/** Each command's code is loaded when it is asked for, so that help and the small commands start at once. */
function createProgram(context: Context, version: string, done: (code: number) => void): Command {
  const program = new Command("drover")
    .description("Every Nix machine you own, behind one queue.")
    .version(version, "--version", "print the version")
    .helpOption("-h, --help", "print help")
    .exitOverride()
    .configureOutput({ outputError: () => {} });

  program
    .command("up")
    .description("run the whole product on this machine")
    .option("--data <dir>", "where to keep its data")
    .option("--port <n>", "where to listen", wholeNumber(0, 65_535))
    .option("--from-cdk-out <dir>", "run the bundles that `cdk synth` has put there, instead of the sources")
    .action(async (options) => {
      const { up } = await import("./commands/up.ts");
      up(options);
    });

  const machines = program.command("machines").description("the fleet");
  addImportCommands(machines, context, done);
  addMachineCommands(machines, context, done);
  addKeyCommands(program, context, done);
  addTokenCommands(program, context, done);

  program
    .command("build")
    .description("build derivations on the fleet, and print their output paths")
    .argument("<target...>", "x.drv, file.nix or flake#attribute")
    .option("-A, --attr <path>", "an attribute of the files; may be repeated", collect, [])
    .option("--arg <name=expression>", "passed on to nix-instantiate (also: --arg name expression)", collect, [])
    .option("--argstr <name=string>", "passed on to nix-instantiate (also: --argstr name string)", collect, [])
    .option("--priority <n>", "0 to 100, highest first", wholeNumber(0, 100), 50)
    .option("--detach", "submit and print the build's id", false)
    .option("-k, --keep-going", "build on after a failure", false)
    .option("-o, --out-link <path>", "copy the outputs into the local store and link to them")
    .action(async (targets: string[], options) => {
      const { attr: attributes, priority, detach, keepGoing, outLink } = options;
      const command = { attributes, nixArguments: nixArguments(options), priority, detach, keepGoing, outLink };
      const { build } = await import("./commands/build.ts");
      done(await build(context, targets, command));
    });

  const builds = program.command("builds").description("what has been asked for");
  builds
    .command("list")
    .description("builds, newest first")
    .option("--limit <n>", "how many", wholeNumber(1, 500), 20)
    .option("--json", "print JSON")
    .action(async (options) => {
      const { buildsList } = await import("./commands/builds.ts");
      done(await buildsList(context, options));
    });
  builds
    .command("show")
    .description("one build and its steps")
    .argument("<id>", "bld_…")
    .option("--json", "print JSON")
    .action(async (id: string, options) => {
      const { buildsShow } = await import("./commands/builds.ts");
      done(await buildsShow(context, id, options));
    });

  program
    .command("logs")
    .description("what a step's builder has printed")
    .argument("<step>", "its id, or its derivation")
    .option("-f, --follow", "go on until the step is settled")
    .option("--attempt <n>", "begin with this attempt", wholeNumber(1, 999_999_999))
    .option("--json", "print JSON")
    .action(async (step: string, options) => {
      const { logs } = await import("./commands/logs.ts");
      done(await logs(context, step, options));
    });
  program
    .command("why")
    .description("why a step ran where it ran, or why it waits")
    .argument("<step>", "its id, or its derivation")
    .option("--json", "print JSON")
    .action(async (step: string, options) => {
      const { why } = await import("./commands/why.ts");
      done(await why(context, step, options));
    });
  return program;
}

/** @returns undefined when nothing is to be said: help or the version has been printed */
function usageError(error: CommanderError): DroverError | undefined {
  if (error.exitCode === 0 || error.code === "commander.help") return undefined;
  const message = error.message.replace(/^error: /, "").replaceAll(/\s*\n\s*/g, " ");
  return new DroverError("DROVER_USAGE", message, { remedy: "See `drover --help`, and `drover COMMAND --help`." });
}

async function version(): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8"));
  const known = typeof manifest === "object" && manifest !== null && "version" in manifest;
  return known ? String(manifest.version) : "unknown";
}
