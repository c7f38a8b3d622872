import type { Step } from "../lambdas/api/schema/steps.ts";
import { ApiClient } from "../cli/api/client.ts";
import { getBuildChanges, getStep, submitBuild } from "../cli/api/operations.ts";
import { createIdempotencyKey } from "../cli/build/idempotency-key.ts";
import { LocalStore } from "../cli/build/local-store.ts";
import { provideClosure } from "../cli/build/provide.ts";
import { startStack } from "../test/end-to-end/stack.ts";
import { summarize, table, type Summary } from "./statistics.ts";

/**
 * What Drover adds to a trivial step in the embedded mode, warm: from the moment the API has taken the build until the
 * step is settled, less the time inside `BuildDerivation`; and where that time goes. One build after another, each of
 * one new derivation.
 */
const warmUp = 5;
const counted = Number(process.argv[2] ?? 40);

const began = performance.now();
await using stack = await startStack({ machines: [{ name: "itchy", maxJobs: 4 }] });
const drvPaths = await stack.instantiate("trivial", { count: warmUp + counted });
// Submitted from this process, with the sources in place: a client's start and its upload are not Drover's overhead.
const client = new ApiClient({ url: stack.deployment.url, token: stack.deployment.token });
await uploadAll(drvPaths);

const samples: Record<string, number[]> = {};
for (const [index, drvPath] of drvPaths.entries()) {
  const parts = await measure(drvPath);
  if (index < warmUp) continue;
  for (const [part, duration] of Object.entries(parts)) (samples[part] ??= []).push(duration);
}
const summary: Record<string, Summary> = Object.fromEntries(
  Object.entries(samples).map(([part, durations]) => [part, summarize(durations)]),
);
console.log(table(summary));
console.log(
  `${counted} builds of one step each, after ${warmUp} to warm up; ${((performance.now() - began) / 1000).toFixed(0)} s in all`,
);
console.log(JSON.stringify({ benchmark: "overhead", unit: "ms", builds: counted, ...summary }));

async function uploadAll(drvPaths: readonly string[]): Promise<void> {
  Object.assign(process.env, stack.client.environment);
  const signal = AbortSignal.timeout(60_000);
  await using store = await LocalStore.open(signal);
  await provideClosure(client, store, drvPaths, { signal, onPlan: () => {}, onProgress: () => {} });
}

async function measure(drvPath: string): Promise<Record<string, number>> {
  const submission = { targets: [{ drvPath, outputs: [] }], priority: 50, keepGoing: false };
  let { build, next } = { build: await submitBuild(client, submission, createIdempotencyKey(Date.now())), next: "0" };
  const submitted = Date.parse(build.createdAt);
  while (build.state !== "succeeded") {
    ({ build, next } = await getBuildChanges(client, build.id, { since: next, wait: 20 }));
    if (build.state === "failed") throw new Error(`failed: ${JSON.stringify(build.failure)}`);
  }
  return partsOf(submitted, await getStep(client, drvPath));
}

function partsOf(submitted: number, step: Step): Record<string, number> {
  const attempt = step.attempts.at(-1);
  if (attempt?.outcome?.kind !== "built") throw new Error(`not built: ${JSON.stringify(step)}`);
  const { connect, inputs, build, outputs } = attempt.outcome.phases;
  const moments = [step.readySince, attempt.assignedAt, attempt.startedAt, attempt.finishedAt, step.finishedAt];
  const [ready = 0, assigned = 0, started = 0, finished = 0, settled = 0] = moments.map((moment) =>
    Date.parse(moment ?? ""),
  );
  return {
    "overhead (submitted to settled)": settled - submitted - build,
    "  plan (submitted to ready)": ready - submitted,
    "  place and claim": assigned - ready,
    "  dispatch to the runner": started - assigned,
    "  session": connect,
    "  inputs in": inputs,
    "  outputs and log out": outputs,
    "  rest of the attempt": finished - started - connect - inputs - build - outputs,
    "  settle": settled - finished,
    BuildDerivation: build,
  };
}
