import { isatty } from "node:tty";
import { DroverError } from "../nix/drover-error.ts";
import type { ApiClient } from "./api/client.ts";
import { type Output, outputOf } from "./terminal/output.ts";
import { askYesNo } from "./terminal/question.ts";

/** What a command has at its hands. */
export interface Context {
  readonly environment: NodeJS.ProcessEnv;
  /** For results only, so that they can be piped. */
  readonly stdout: Output;
  /** For everything that is said to people. */
  readonly stderr: Output;
  /** Asks a person for a yes, on standard error; undefined when nobody sits at a terminal. */
  readonly confirm: ((question: string) => Promise<boolean>) | undefined;
  /** Aborts at the first Ctrl-C; a second one ends the process at once. */
  readonly interrupted: AbortSignal;
  /** @throws {DroverError} DROVER_NO_SERVICE and others when nothing says where it is */
  client(): Promise<ApiClient>;
}

export function processContext(): Context {
  const { env: environment } = process;
  const stderr = outputOf(process.stderr, environment);
  let installed: AbortSignal | undefined;
  const interrupted = () => (installed ??= interruption());
  return {
    environment,
    stdout: outputOf(process.stdout, environment),
    stderr,
    confirm:
      isatty(0) && stderr.isTerminal
        ? async (question) => await askYesNo(question, process.stdin, stderr, interrupted())
        : undefined,
    // Installed when a command asks for it: `up` leaves the signal to the process that it starts.
    get interrupted() {
      return interrupted();
    },
    client: async () => {
      const [{ ApiClient }, { findService }] = await Promise.all([
        import("./api/client.ts"),
        import("./api/service.ts"),
      ]);
      return new ApiClient(await findService(environment));
    },
  };
}

function interruption(): AbortSignal {
  const controller = new AbortController();
  process.once("SIGINT", () => {
    process.once("SIGINT", () => process.exit(130));
    controller.abort(new DroverError("DROVER_INTERRUPTED", "interrupted"));
  });
  return controller.signal;
}
