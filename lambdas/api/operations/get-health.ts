import * as z from "zod";
import { health } from "../schema/store.ts";
import { jsonOperation } from "./operation.ts";

export const getHealth = jsonOperation({
  summary: "Tell that the service answers",
  description: "Asks nothing of tables, queues or blobs, so that watching it costs nothing.",
  tag: "service",
  input: z.object({}),
  result: health,
  run: () => ({ status: "ok" as const }),
});
