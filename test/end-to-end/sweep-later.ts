import { lambdaContext } from "../../local/lambda-context.ts";

/**
 * Sweeps a deployment, whose environment this process has, as if an hour had passed: everything that is under way looks
 * forgotten. Repairs are for things that still stand, so nothing comes of it but the repairs.
 */
const present = Date.now;
Date.now = () => present() + 3_600_000;
const { handler } = await import("../../lambdas/sweep/handler.ts");
console.log(JSON.stringify(await handler({}, lambdaContext("sweep"))));
process.exit(0);
