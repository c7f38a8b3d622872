import { setTimeout as sleep } from "node:timers/promises";
import { injectLambdaContext } from "@aws-lambda-powertools/logger/middleware";
import middy from "@middy/core";
import { parseConfiguration } from "../../cloud/configuration.ts";
import { connectControl } from "../../cloud/connect-control.ts";
import { createLogger } from "../observability/log.ts";
import { createMeasurements, noMeasurements } from "../observability/measurements.ts";
import { measureSweep } from "./measure-sweep.ts";
import { sweep, type SweepReport } from "./sweep.ts";
import { takeLevels } from "./take-levels.ts";

const configuration = parseConfiguration(process.env);
const control = connectControl(configuration, { component: "sweep" });
const logger = createLogger("sweep", configuration.DROVER_LOG_LEVEL);
/** The embedded mode has no CloudWatch that would read figures off its output. */
const measurements =
  configuration.DROVER_DYNAMODB_ENDPOINT === undefined
    ? createMeasurements("sweep", configuration.DROVER_NAME)
    : noMeasurements;

/** Longer than an index lags and a freed slot takes to be given away. Milliseconds. */
const betweenLooks = 2_000;
const sweeping = { ...control, now: Date.now, pause: () => sleep(betweenLooks) };

/** Started by a schedule, whose event says nothing. */
export const handler = middy<unknown, SweepReport>()
  .use(injectLambdaContext(logger))
  .handler(async () => {
    const [report, levels] = await Promise.all([sweep(sweeping), takeLevels(sweeping)]);
    measureSweep(measurements, report, levels);
    const { slotDrift, ...repaired } = report;
    const found = slotDrift.length + Object.values(repaired).reduce((sum, count) => sum + count, 0);
    if (found > 0) logger.warn("swept", { report });
    return report;
  });
