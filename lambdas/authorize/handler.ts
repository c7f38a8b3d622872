import { injectLambdaContext } from "@aws-lambda-powertools/logger/middleware";
import middy from "@middy/core";
import { parseConfiguration } from "../../cloud/configuration.ts";
import { dynamoDbClient } from "../../cloud/dynamodb/client.ts";
import { dynamoDbStores } from "../../cloud/dynamodb/stores.ts";
import { createLogger } from "../observability/log.ts";
import { createMeasurements, noMeasurements } from "../observability/measurements.ts";
import { type AuthorizerAnswer, type AuthorizerEvent, createAuthorizer } from "./create-authorizer.ts";

const configuration = parseConfiguration(process.env);
const endpoint = configuration.DROVER_DYNAMODB_ENDPOINT;
/** Tables only: it stands before every request, so it should start soon. */
const { tokens } = dynamoDbStores({
  client: dynamoDbClient({ endpoint, caller: "drover-authorize" }),
  name: configuration.DROVER_NAME,
});
const logger = createLogger("authorize", configuration.DROVER_LOG_LEVEL);
/** The embedded mode has no CloudWatch that would read figures off its output. */
const measurements =
  endpoint === undefined ? createMeasurements("authorize", configuration.DROVER_NAME) : noMeasurements;

export const handler = middy<AuthorizerEvent, AuthorizerAnswer>()
  .use(injectLambdaContext(logger))
  .handler(createAuthorizer({ tokens, now: Date.now, log: logger, measurements }));
