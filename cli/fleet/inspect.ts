import { setTimeout as sleep } from "node:timers/promises";
import type { Inspection } from "../../lambdas/api/schema/inspections.ts";
import { DroverError } from "../../nix/drover-error.ts";
import type { ApiClient } from "../api/client.ts";
import { getInspection, inspectMachine } from "../api/machine-operations.ts";
import type { PatienceOptions } from "../api/patience.ts";

/** Seconds for which the service holds a question back while nothing has been found. */
const longestWait = 20;

export interface InspectOptions extends PatienceOptions {
  /** Milliseconds after which no runner is expected to answer any more. @default 40_000 */
  readonly limit?: number;
}

/**
 * Has a runner look at a machine, and waits for what it finds.
 *
 * @throws {DroverError} DROVER_INSPECTION_PENDING when it takes too long; the service's own
 */
export async function inspect(
  client: ApiClient,
  name: string,
  { limit = 40_000, ...options }: InspectOptions = {},
): Promise<Inspection> {
  const end = performance.now() + limit;
  let { id, inspection } = await inspectMachine(client, name, options);
  while (inspection === null) {
    const asked = performance.now();
    if (asked >= end) throw pending(name, limit);
    const wait = Math.min(longestWait, Math.ceil((end - asked) / 1000));
    ({ inspection } = await getInspection(client, name, id, wait, options));
    // A service that does not hold the question back is not asked again at once.
    const rest = Math.min(1000 - (performance.now() - asked), end - performance.now());
    if (inspection !== null || rest <= 0) continue;
    await sleep(rest, undefined, { signal: options.signal }).catch(() => options.signal?.throwIfAborted());
  }
  return inspection;
}

function pending(name: string, limit: number): DroverError {
  return new DroverError("DROVER_INSPECTION_PENDING", `no runner has looked at ${name} within ${limit / 1000} s`, {
    subject: name,
    remedy: "Check that a runner is running (`drover up` has one; elsewhere look at its container), and try again.",
  });
}
