import { parseConfiguration } from "../../cloud/configuration.ts";
import { connectControl } from "../../cloud/connect-control.ts";
import { parseFleetEvent } from "../../cloud/queues/messages.ts";
import { queueHandler } from "../batches/queue-handler.ts";
import { createLogger } from "../observability/log.ts";
import { handleEvent } from "./handle-event.ts";

const configuration = parseConfiguration(process.env);
const control = connectControl(configuration, { component: "schedule" });
const scheduling = { ...control, now: Date.now };

export const handler = queueHandler({
  redelivery: control.redelivery.fleetEvents,
  logger: createLogger("schedule", configuration.DROVER_LOG_LEVEL),
  parse: parseFleetEvent,
  handle: (event) => handleEvent(scheduling, event),
});
