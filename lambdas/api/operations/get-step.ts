import * as z from "zod";
import { step, stepPath } from "../schema/steps.ts";
import { findStep } from "../steps/find-step.ts";
import { waitingNow } from "../steps/waiting.ts";
import { stepView } from "../views/step.ts";
import { jsonOperation } from "./operation.ts";

export const getStep = jsonOperation({
  summary: "Show one step: why it is where it is",
  description: "With every attempt, the decision that led to it, and for a ready step the reason why it waits now.",
  tag: "steps",
  input: z.object({ path: stepPath }),
  result: step,
  problems: [404],
  async run(dependencies, { path }) {
    const found = await findStep(dependencies, path.step);
    const [attempts, waitingOn, waiting] = await Promise.all([
      dependencies.steps.attempts(found.id),
      dependencies.steps.getMany(found.waitingOn),
      waitingNow(dependencies, found),
    ]);
    return stepView({ step: found, attempts, waitingOn, waiting });
  },
});
