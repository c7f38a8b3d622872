import * as z from "zod";
import { logPiece, logQuery, stepPath } from "../schema/steps.ts";
import { findStep } from "../steps/find-step.ts";
import { beginning, parseLogCursor } from "../steps/log-cursor.ts";
import { readLog } from "../steps/read-log.ts";
import { jsonOperation } from "./operation.ts";
import { waitFor } from "./wait-for.ts";

export const getStepLog = jsonOperation({
  summary: "Read the log of a step, or follow it",
  description:
    "Ask again with `cursor` until `state` is done. Bytes that are not UTF-8 are shown as replacement characters; `/cache/log` has the log as the builder wrote it.",
  tag: "steps",
  input: z.object({ path: stepPath, query: logQuery }),
  result: logPiece,
  problems: [404],
  async run(dependencies, { path, query }, { signal }) {
    const place = query.cursor === undefined ? undefined : parseLogCursor(query.cursor);
    const step = await findStep(dependencies, path.step);
    const at =
      place ??
      (query.attempt === undefined
        ? beginning(step, await dependencies.steps.attempts(step.id))
        : { attempt: query.attempt, within: undefined });
    return await waitFor(
      () => readLog(dependencies, step, at),
      ({ state }) => state !== "waiting",
      { seconds: query.wait, signal },
    );
  },
});
