import type { ApiClient } from "../api/client.ts";
import { getStepLog } from "../api/operations.ts";
import type { PatienceOptions } from "../api/patience.ts";

export interface LogTailOptions extends PatienceOptions {
  /** Begin with this attempt. @default the service's choice: the first one since the step's last verdict */
  readonly attempt?: number | undefined;
  /** Wait for what is still to come, until the log is complete; else end with what there is. */
  readonly follow: boolean;
}

/** Seconds for which the service holds a question back when there is nothing new. */
const wait = 20;

/** A step's log, piece by piece; pieces end anywhere. With `follow`, until the step needs no further attempt. */
export async function* logPieces(
  client: ApiClient,
  step: string,
  { attempt, follow, ...options }: LogTailOptions,
): AsyncGenerator<string> {
  let cursor: string | undefined;
  let mayWait = false;
  for (;;) {
    const query = { cursor, attempt: cursor === undefined ? attempt : undefined, wait: mayWait ? wait : 0 };
    const piece = await getStepLog(client, step, query, options);
    if (piece.text !== "") yield piece.text;
    if (piece.state === "done" || (piece.state === "waiting" && !follow)) return;
    cursor = piece.cursor;
    mayWait = piece.state === "waiting";
  }
}
