import { parseConfiguration } from "../cloud/configuration.ts";
import { connectCloud } from "../cloud/connect.ts";
import { defaultAttemptOptions } from "./attempt/execute-attempt.ts";
import { createRunnerLog, describeError } from "./log.ts";
import { runRunner } from "./run-runner.ts";

/**
 * The runner's process. SIGTERM lets it finish what runs; a second one ends it at once, and what it had is repeated by
 * another runner. With `--stop-with-parent` it also ends at once when its standard input does: the process that
 * started it, and the engines in it, are gone.
 */
async function main(): Promise<void> {
  const configuration = parseConfiguration(process.env);
  const log = createRunnerLog(configuration.DROVER_LOG_LEVEL);
  const drain = new AbortController();
  const stop = new AbortController();
  const wind = () => {
    if (drain.signal.aborted) stop.abort(new Error("told to stop at once"));
    else drain.abort(new Error("told to stop"));
  };
  process.on("SIGTERM", wind);
  if (process.argv.includes("--stop-with-parent")) {
    process.stdin.resume().on("end", () => {
      stop.abort(new Error("the process that started the runner has ended"));
    });
    // A terminal sends it to both: the parent decides.
    process.on("SIGINT", () => {});
  } else process.on("SIGINT", wind);

  await using cloud = await connectCloud(configuration, { component: "runner", log });
  const capacity = configuration.DROVER_RUNNER_ATTEMPTS;
  log.info("the runner is ready", { capacity });
  const agent = process.env["SSH_AUTH_SOCK"];
  const attempt = { ...defaultAttemptOptions, substitute: configuration.DROVER_BUILDERS_USE_SUBSTITUTES };
  await runRunner(cloud, { capacity, agent, attempt, log }, drain.signal, stop.signal);
  log.info("the runner has stopped");
}

try {
  await main();
  process.exit(0);
} catch (error) {
  console.error(JSON.stringify({ level: "ERROR", message: "the runner failed", ...describeError(error) }));
  process.exit(1);
}
