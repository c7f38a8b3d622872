import { fileURLToPath } from "node:url";
import type { Parts } from "./parts.ts";

/** The functions and the runner as they are in this checkout, run by type stripping. */
export const sources: Parts = {
  async loadFunctions() {
    const [api, authorize, plan, schedule, sweep] = await Promise.all([
      import("../../lambdas/api/handler.ts"),
      import("../../lambdas/authorize/handler.ts"),
      import("../../lambdas/plan/handler.ts"),
      import("../../lambdas/schedule/handler.ts"),
      import("../../lambdas/sweep/handler.ts"),
    ]);
    return {
      api: api.handler,
      authorize: authorize.handler,
      plan: plan.handler,
      schedule: schedule.handler,
      sweep: sweep.handler,
    };
  },
  runner: fileURLToPath(new URL("../../runner/main.ts", import.meta.url)),
};
