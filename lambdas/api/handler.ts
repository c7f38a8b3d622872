import { injectLambdaContext } from "@aws-lambda-powertools/logger/middleware";
import { parseConfiguration } from "../../cloud/configuration.ts";
import { connectCloud } from "../../cloud/connect.ts";
import { createLogger } from "../observability/log.ts";
import { createMeasurements, noMeasurements } from "../observability/measurements.ts";
import { createApi } from "./create-api.ts";

const configuration = parseConfiguration(process.env);
const logger = createLogger("api", configuration.DROVER_LOG_LEVEL);

export const handler = createApi({
  connect: async () => ({
    ...(await connectCloud(configuration, {
      component: "api",
      log: { warn: (message, fields = {}) => logger.warn(message, fields) },
    })),
    defaultSystem: configuration.DROVER_DEFAULT_SYSTEM,
    now: Date.now,
  }),
  log: logger,
  /** The embedded mode has no CloudWatch that would read figures off its output. */
  measurements:
    configuration.DROVER_DYNAMODB_ENDPOINT === undefined
      ? createMeasurements("api", configuration.DROVER_NAME)
      : noMeasurements,
}).use(injectLambdaContext(logger));
