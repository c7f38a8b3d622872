import { parseConfiguration } from "../cloud/configuration.ts";
import { type Cloud, connectCloud } from "../cloud/connect.ts";
import { defaultAttemptOptions } from "./attempt/execute-attempt.ts";
import { createRunnerLog, describeError, type RunnerLog } from "./log.ts";
import { runRunner } from "./run-runner.ts";
import { blobCurrentRunner } from "./upgrade/current-runner.ts";
import { ecsUpgrades } from "./upgrade/ecs-upgrades.ts";
import { readTaskIdentity } from "./upgrade/task-identity.ts";
import { agentTaskProtection } from "./upgrade/task-protection.ts";
import { noUpgrades, type Upgrades } from "./upgrade/upgrades.ts";

/**
 * Milliseconds from the first SIGTERM to the end, whatever still hangs. Fargate waits 120 s before it kills, which would
 * take the log's last lines with it.
 */
const lastEnd = 115_000;

/**
 * The runner's process. SIGTERM lets it finish what runs within a limit; a second one ends it at once. What it could not
 * finish it hands back, to be repeated by another runner. With `--stop-with-parent` it also ends at once when its
 * standard input does: the process that started it, and the engines in it, are gone.
 */
async function main(): Promise<void> {
  const configuration = parseConfiguration(process.env);
  const log = createRunnerLog(configuration.DROVER_LOG_LEVEL);
  const drain = new AbortController();
  const stop = new AbortController();
  const wind = () => {
    if (drain.signal.aborted) stop.abort(new Error("told to stop at once"));
    else {
      drain.abort(new Error("told to stop"));
      setTimeout(() => {
        log.error("the runner did not come to its end in time");
        process.exit(1);
      }, lastEnd).unref();
    }
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
  await using upgrades = connectUpgrades(cloud, log);
  const capacity = configuration.DROVER_RUNNER_ATTEMPTS;
  log.info("the runner is ready", { capacity });
  const agent = process.env["SSH_AUTH_SOCK"];
  const attempt = { ...defaultAttemptOptions, substitute: configuration.DROVER_BUILDERS_USE_SUBSTITUTES };
  await runRunner(cloud, { capacity, agent, upgrades, attempt, log }, drain.signal, stop.signal);
  log.info("the runner has stopped");
}

/** ECS gives both variables to each container (Developer Guide, "Amazon ECS task metadata endpoint version 4"). */
function connectUpgrades({ blobs }: Cloud, log: RunnerLog): Upgrades {
  const { ECS_AGENT_URI: agentUri, ECS_CONTAINER_METADATA_URI_V4: metadataUri } = process.env;
  if (agentUri === undefined || metadataUri === undefined) return noUpgrades;
  return ecsUpgrades({
    protection: agentTaskProtection(agentUri),
    current: blobCurrentRunner(blobs),
    identify: (signal) => readTaskIdentity(metadataUri, signal),
    log,
  });
}

try {
  await main();
  process.exit(0);
} catch (error) {
  console.error(JSON.stringify({ level: "ERROR", message: "the runner failed", ...describeError(error) }));
  process.exit(1);
}
