import type { Inspection } from "../../lambdas/api/schema/inspections.ts";
import { hostKeys, type Machine, machineUpdate } from "../../lambdas/api/schema/machines.ts";
import { type FaultService, problem, type ReceivedRequest, type Reply, startFaultService } from "./fault-service.ts";
import { hostKeyField } from "./host-keys.ts";
import { inspection } from "./views.ts";

export interface MachineServiceOptions {
  /** Commits a fault instead of answering; undefined for the ordinary answer. */
  readonly fault?: (request: ReceivedRequest) => Reply | Promise<Reply | undefined> | undefined;
  /** What a runner finds. @default that all is well */
  readonly inspections?: readonly Inspection[];
  /** Answers of `pending` before an inspection is there, each of which costs a second. @default 0 */
  readonly pending?: number;
}

/** As much of the API as the commands on machines need, for states that real machines do not have at will. */
export interface MachineService extends FaultService {
  readonly machines: ReadonlyMap<string, Machine>;
  readonly change: (name: string, more: Partial<Machine>) => void;
}

const id = "0198f2a4-c3b0-7d5e-9a3c-1f4e6b8d0a27";

export async function startMachineService(
  fleet: readonly Machine[],
  { fault, inspections = [], pending = 0 }: MachineServiceOptions = {},
): Promise<MachineService> {
  const machines = new Map(fleet.map((machine) => [machine.name, machine]));
  const asked = new Map<string, number>();
  let version = 1;

  /** A change that somebody makes. */
  const change = (name: string, more: Partial<Machine>): void => {
    const machine = machines.get(name);
    version += 1;
    if (machine !== undefined) machines.set(name, { ...machine, etag: `"${version}"`, ...more });
  };
  const answer = ({ method, path, headers, body }: ReceivedRequest): Reply => {
    const { pathname, searchParams } = new URL(path, "http://x");
    const [, , collection = "", encoded = "", part, inspectionId] = pathname.split("/");
    if (collection !== "machines") return { status: 404 };
    if (encoded === "") return { json: { machines: [...machines.values()], etag: '"fleet"' } };
    const name = decodeURIComponent(encoded);
    const machine = machines.get(name);
    if (machine === undefined)
      return problem(404, "DROVER_MACHINE_UNKNOWN", { detail: `There is no machine '${name}'.` });
    const condition = headers["if-match"];
    if (method !== "GET" && condition !== undefined && condition !== machine.etag) {
      return problem(412, "DROVER_MACHINE_CHANGED", { detail: `Somebody has changed '${name}'.` });
    }
    const json = (): unknown => JSON.parse(body.toString());
    if (part === "inspections" && method === "POST") {
      return { status: 202, json: { id, state: "pending", inspection: null } };
    }
    if (part === "inspections" && inspectionId === id) {
      const times = asked.get(name) ?? 0;
      asked.set(name, times + 1);
      if (times < pending) return { json: { id, state: "pending", inspection: null } };
      const found = inspections.find((one) => one.machine === name) ?? inspection(name);
      return { json: { id, state: "finished", inspection: found } };
    }
    if (part === "host-keys" && method === "PUT") {
      const { keys } = hostKeys.parse(json());
      const field = hostKeyField(keys.map((line) => ({ line })));
      change(name, { hostKey: field, trusted: true, mode: "enabled", drainedFor: null });
    } else if (part === undefined && method === "PATCH") {
      change(name, { ...machineUpdate.parse(json()), drainedFor: null, health: { state: "healthy" } });
    } else if (part === undefined && method === "DELETE") {
      const force = searchParams.get("force") === "true";
      if (machine.running > 0 && !force) {
        return problem(409, "DROVER_MACHINE_BUSY", { detail: `'${name}' can not be removed while 2 steps run on it.` });
      }
      machines.delete(name);
      return { json: { name, movedSteps: machine.running } };
    }
    return { json: machines.get(name) };
  };
  const service = await startFaultService(async (request) => (await fault?.(request)) ?? answer(request));
  return { ...service, machines, change };
}
