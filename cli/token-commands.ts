import type { Command } from "commander";
import type { Context } from "./context.ts";
import { collect, wholeNumber } from "./option-values.ts";

type Done = (code: number) => void;

/** The commands on the API's tokens. Each one's code is loaded when it is asked for. */
export function addTokenCommands(program: Command, context: Context, done: Done): void {
  const tokens = program.command("tokens").description("what lets people and programs in");
  tokens
    .command("create")
    .description("make a token, and print it alone: it is shown this once")
    .argument("<name>", "whose it is, such as ci-website")
    .option(
      "--scope <scope>",
      "build:read, build:write, machine:read, machine:write, store:read, store:write or admin; may be repeated " +
        "(default: those of builds and the store, which a CI needs)",
      collect,
      [],
    )
    .option("--expires-in-days <n>", "when it stops working (default: never)", wholeNumber(1, 3650))
    .option("--json", "print JSON")
    .action(async (name: string, options) => {
      const { tokensCreate } = await import("./commands/tokens-create.ts");
      done(await tokensCreate(context, name, options));
    });
  tokens
    .command("list")
    .description("all tokens, what they are good for and when they were used")
    .option("--json", "print JSON")
    .action(async (options) => {
      const { tokensList } = await import("./commands/tokens-list.ts");
      done(await tokensList(context, options));
    });
  tokens
    .command("revoke")
    .description("let tokens in no more")
    .argument("<id...>", "as `drover tokens list` shows it")
    .action(async (ids: string[]) => {
      const { tokensRevoke } = await import("./commands/tokens-revoke.ts");
      done(await tokensRevoke(context, ids));
    });
  tokens
    .command("first")
    .description("make an admin token for a deployment in AWS, with AWS credentials in place of a token")
    .option("--deployment <name>", "the deployment's `name`", "drover")
    .option("--url <url>", "its ApiUrl: write both into your profile instead of printing the token")
    .action(async (options) => {
      const { tokensFirst } = await import("./commands/tokens-first.ts");
      done(await tokensFirst(context, options));
    });
}
