import { parseConfiguration } from "../../cloud/configuration.ts";
import { connectCloud } from "../../cloud/connect.ts";
import { parsePlanRequest } from "../../cloud/queues/messages.ts";
import { queueHandler } from "../batches/queue-handler.ts";
import { createLogger } from "../observability/log.ts";
import { planBuild } from "./plan-build.ts";

const configuration = parseConfiguration(process.env);
const cloud = await connectCloud(configuration, { component: "plan" });
const planning = { ...cloud, now: Date.now };

/** What must be left of the invocation's time to begin another group of derivations. */
const reserveMilliseconds = 30_000;

export const handler = queueHandler({
  redelivery: cloud.redelivery.plans,
  logger: createLogger("plan", configuration.DROVER_LOG_LEVEL),
  parse: parsePlanRequest,
  handle: ({ build }, context) =>
    planBuild(planning, build, () => context.getRemainingTimeInMillis() < reserveMilliseconds),
});
