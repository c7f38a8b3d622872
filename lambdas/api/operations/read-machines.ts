import * as z from "zod";
import type { Machine } from "../../../fleet/machine.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { fleetEtag } from "../machines/etags.ts";
import { findMachine } from "../machines/find-machine.ts";
import { machine, machineList, type Machine as MachineView, machinePath } from "../schema/machines.ts";
import { machineView } from "../views/machine.ts";
import { jsonOperation } from "./operation.ts";

export const listMachines = jsonOperation({
  summary: "List all machines",
  description: "In list order, by which the last tie of a placement is broken.",
  tag: "machines",
  input: z.object({}),
  result: machineList,
  etag: ({ etag }) => etag,
  async run({ machines, inspections }) {
    const fleet = await machines.list();
    const inspected = await inspections.getMany(fleet.map(({ name }) => name));
    const latest = new Map(inspected.map((inspection) => [inspection.machine, inspection]));
    return { machines: fleet.map((each) => machineView(each, latest.get(each.name))), etag: fleetEtag(fleet) };
  },
});

export const getMachine = jsonOperation({
  summary: "Show one machine",
  tag: "machines",
  input: z.object({ path: machinePath }),
  result: machine,
  etag: ({ etag }) => etag,
  problems: [404],
  run: async (dependencies, { path }) => inspectedView(dependencies, await findMachine(dependencies, path.machine)),
});

/** A machine with what the latest inspection has found. */
export async function inspectedView(
  { inspections }: Pick<ApiDependencies, "inspections">,
  found: Machine,
): Promise<MachineView> {
  return machineView(found, await inspections.get(found.name));
}
