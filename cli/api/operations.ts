import * as builds from "../../lambdas/api/schema/builds.ts";
import * as machines from "../../lambdas/api/schema/machines.ts";
import * as steps from "../../lambdas/api/schema/steps.ts";
import * as store from "../../lambdas/api/schema/store.ts";
import type { ApiClient } from "./client.ts";
import type { PatienceOptions } from "./patience.ts";

/**
 * The operations of the API that the command uses, one function each, named as in `/openapi.json`. Those on machines
 * that are there already are in machine-operations.ts.
 */

const json = (value: unknown) => ({ type: "application/json", text: JSON.stringify(value) }) as const;

/** @param options.ifMatch the ETag that the fleet must still have */
export async function importMachines(
  client: ApiClient,
  request: {
    readonly query: {
      readonly prune: boolean;
      readonly defaultSystem: string | undefined;
      readonly file: string;
    };
    readonly body: machines.MachineImportParts;
  },
  { dryRun, ifMatch, ...options }: PatienceOptions & { readonly dryRun: boolean; readonly ifMatch?: string },
): Promise<machines.MachineImport> {
  return await client.request({
    ...options,
    method: "PUT",
    path: "/v1/machines",
    query: { dryRun, ...request.query },
    headers: ifMatch === undefined ? {} : { "if-match": ifMatch },
    body: json(request.body),
    answer: machines.machineImport,
  });
}

/** @param idempotencyKey the same key is the same build, however often the request is repeated */
export async function submitBuild(
  client: ApiClient,
  submission: builds.Submission,
  idempotencyKey: string,
  options: PatienceOptions = {},
): Promise<builds.Build> {
  return await client.request({
    ...options,
    method: "POST",
    path: "/v1/builds",
    headers: { "idempotency-key": idempotencyKey },
    body: json(submission),
    answer: builds.build,
  });
}

export async function listBuilds(
  client: ApiClient,
  query: { readonly limit: number; readonly cursor?: string | undefined },
  options: PatienceOptions = {},
): Promise<{ builds: builds.BuildSummary[]; next?: string | undefined }> {
  return await client.request({ ...options, method: "GET", path: "/v1/builds", query, answer: builds.buildList });
}

export async function getBuild(
  client: ApiClient,
  build: string,
  options: PatienceOptions = {},
): Promise<builds.BuildWithCounts> {
  const path = `/v1/builds/${encodeURIComponent(build)}`;
  return await client.request({ ...options, method: "GET", path, answer: builds.buildWithCounts });
}

/** All steps of a build, page by page. */
export async function* listBuildSteps(
  client: ApiClient,
  build: string,
  options: PatienceOptions = {},
): AsyncGenerator<builds.BuildStep> {
  const path = `/v1/builds/${encodeURIComponent(build)}/steps`;
  const answer = builds.buildStepList;
  let cursor: string | undefined;
  do {
    const page = await client.request({ ...options, method: "GET", path, query: { limit: 500, cursor }, answer });
    yield* page.steps;
    cursor = page.next;
  } while (cursor !== undefined);
}

/** What has changed since an earlier answer; held back for up to `wait` seconds while nothing has. */
export async function getBuildChanges(
  client: ApiClient,
  build: string,
  query: { readonly since: string | undefined; readonly wait: number },
  options: PatienceOptions = {},
): Promise<builds.BuildChanges> {
  const path = `/v1/builds/${encodeURIComponent(build)}/changes`;
  const { wait } = query;
  return await client.request({ ...options, method: "GET", path, query, wait, answer: builds.buildChanges });
}

/** By base name where a derivation's path is given: API Gateway decodes paths, and its slashes would be the route's. */
function stepPath(step: string): string {
  return `/v1/steps/${encodeURIComponent(step.slice(step.lastIndexOf("/") + 1))}`;
}

/** @param step its id, the base name of its derivation, or the derivation's path */
export async function getStep(client: ApiClient, step: string, options: PatienceOptions = {}): Promise<steps.Step> {
  const path = stepPath(step);
  return await client.request({ ...options, method: "GET", path, answer: steps.step });
}

export async function getStepLog(
  client: ApiClient,
  step: string,
  query: { readonly cursor?: string | undefined; readonly attempt?: number | undefined; readonly wait: number },
  options: PatienceOptions = {},
): Promise<steps.LogPiece> {
  const path = `${stepPath(step)}/log`;
  return await client.request({ ...options, method: "GET", path, query, wait: query.wait, answer: steps.logPiece });
}

export async function queryMissingPaths(
  client: ApiClient,
  paths: readonly string[],
  options: PatienceOptions = {},
): Promise<string[]> {
  const path = "/v1/store/missing";
  const answer = store.missingPaths;
  return (await client.request({ ...options, method: "POST", path, body: json({ paths }), answer })).missing;
}

export async function signUploads(
  client: ApiClient,
  paths: readonly store.PathDescription[],
  options: PatienceOptions = {},
): Promise<Map<string, store.SignedRequest>> {
  const path = "/v1/store/uploads";
  const { uploads } = await client.request({
    ...options,
    method: "POST",
    path,
    body: json({ paths }),
    answer: store.uploads,
  });
  return new Map(uploads.map((upload) => [upload.storePath, upload.request]));
}

export async function registerPaths(
  client: ApiClient,
  paths: readonly store.PathDescription[],
  options: PatienceOptions = {},
): Promise<void> {
  await client.request({
    ...options,
    method: "POST",
    path: "/v1/store/paths",
    body: json({ paths }),
    answer: store.registration,
  });
}
