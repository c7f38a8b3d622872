import { requestedInspection, type RequestedInspection } from "../../lambdas/api/schema/inspections.ts";
import { keys, type Keys } from "../../lambdas/api/schema/keys.ts";
import * as machines from "../../lambdas/api/schema/machines.ts";
import type { ApiClient } from "./client.ts";
import type { PatienceOptions } from "./patience.ts";

/**
 * The operations of the API on machines that are there already, named as in `/openapi.json`. Machines are named
 * `[user@]host[:port]`.
 */

/** For changes that must not overwrite somebody else's: the ETag of the machine as it was seen. */
export interface ChangeOptions extends PatienceOptions {
  readonly ifMatch?: string | undefined;
}

const json = (value: unknown) => ({ type: "application/json", text: JSON.stringify(value) }) as const;

function machinePath(name: string): string {
  return `/v1/machines/${encodeURIComponent(name)}`;
}

function conditions({ ifMatch }: ChangeOptions): Record<string, string> {
  return ifMatch === undefined ? {} : { "if-match": ifMatch };
}

export async function listMachines(client: ApiClient, options: PatienceOptions = {}): Promise<machines.MachineList> {
  return await client.request({ ...options, method: "GET", path: "/v1/machines", answer: machines.machineList });
}

export async function getMachine(
  client: ApiClient,
  name: string,
  options: PatienceOptions = {},
): Promise<machines.Machine> {
  return await client.request({ ...options, method: "GET", path: machinePath(name), answer: machines.machine });
}

export async function updateMachine(
  client: ApiClient,
  name: string,
  update: { readonly mode: machines.Machine["mode"] },
  options: ChangeOptions = {},
): Promise<machines.Machine> {
  return await client.request({
    ...options,
    method: "PATCH",
    path: machinePath(name),
    headers: conditions(options),
    body: json(update),
    answer: machines.machine,
  });
}

/** @param force also while steps run on it: they are built elsewhere */
export async function removeMachine(
  client: ApiClient,
  name: string,
  force: boolean,
  options: ChangeOptions = {},
): Promise<machines.MachineRemoval> {
  return await client.request({
    ...options,
    method: "DELETE",
    path: machinePath(name),
    query: { force },
    headers: conditions(options),
    answer: machines.machineRemoval,
  });
}

/** @param trust `keys`: lines as in .pub files; `replace`: also where other keys are trusted already */
export async function trustMachine(
  client: ApiClient,
  name: string,
  trust: { readonly keys: readonly string[]; readonly replace: boolean },
  options: ChangeOptions = {},
): Promise<machines.Machine> {
  return await client.request({
    ...options,
    method: "PUT",
    path: `${machinePath(name)}/host-keys`,
    headers: conditions(options),
    body: json(trust),
    answer: machines.machine,
  });
}

/** Asks a runner to look at it. */
export async function inspectMachine(
  client: ApiClient,
  name: string,
  options: PatienceOptions = {},
): Promise<RequestedInspection> {
  const path = `${machinePath(name)}/inspections`;
  return await client.request({ ...options, method: "POST", path, answer: requestedInspection });
}

/** What the runner found; held back for up to `wait` seconds while it has found nothing yet. */
export async function getInspection(
  client: ApiClient,
  name: string,
  id: string,
  wait: number,
  options: PatienceOptions = {},
): Promise<RequestedInspection> {
  const path = `${machinePath(name)}/inspections/${encodeURIComponent(id)}`;
  return await client.request({ ...options, method: "GET", path, query: { wait }, wait, answer: requestedInspection });
}

export async function getKeys(client: ApiClient, options: PatienceOptions = {}): Promise<Keys> {
  return await client.request({ ...options, method: "GET", path: "/v1/keys", answer: keys });
}
