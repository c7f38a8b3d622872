import { setTimeout as sleep } from "node:timers/promises";
import { injectLambdaContext } from "@aws-lambda-powertools/logger/middleware";
import middy from "@middy/core";
import { parseConfiguration } from "../../cloud/configuration.ts";
import { connectCloud } from "../../cloud/connect.ts";
import { createLogger } from "../observability/log.ts";
import { createMeasurements, noMeasurements } from "../observability/measurements.ts";
import { sweep, type SweepReport } from "./sweep.ts";

const configuration = parseConfiguration(process.env);
const cloud = await connectCloud(configuration, { component: "sweep" });
const logger = createLogger("sweep", configuration.DROVER_LOG_LEVEL);
/** The embedded mode has no CloudWatch that would read figures off its output. */
const measurements =
  configuration.DROVER_DYNAMODB_ENDPOINT === undefined ? createMeasurements("sweep") : noMeasurements;

/** Longer than an index lags and a freed slot takes to be given away. Milliseconds. */
const betweenLooks = 2_000;

/** Started by a schedule, whose event says nothing. */
export const handler = middy<unknown, SweepReport>()
  .use(injectLambdaContext(logger))
  .handler(async () => {
    const report = await sweep({ ...cloud, now: Date.now, pause: () => sleep(betweenLooks) });
    const { slotDrift, ...repaired } = report;
    for (const [name, count] of Object.entries(repaired)) {
      if (count > 0) measurements.count(`Swept.${name}`, count);
    }
    measurements.level("SlotDrift", slotDrift.length);
    const found = slotDrift.length + Object.values(repaired).reduce((sum, count) => sum + count, 0);
    if (found > 0) logger.warn("swept", { report });
    return report;
  });
