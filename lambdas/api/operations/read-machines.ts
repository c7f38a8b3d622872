import * as z from "zod";
import { DroverError } from "../../../nix/drover-error.ts";
import { machine, machineList, machinePath } from "../schema/machines.ts";
import { machineView } from "../views/machine.ts";
import { jsonOperation } from "./operation.ts";

export const listMachines = jsonOperation({
  summary: "List all machines",
  description: "In list order, by which the last tie of a placement is broken.",
  tag: "machines",
  input: z.object({}),
  result: machineList,
  async run({ machines }) {
    return { machines: (await machines.list()).map(machineView) };
  },
});

export const getMachine = jsonOperation({
  summary: "Show one machine",
  tag: "machines",
  input: z.object({ path: machinePath }),
  result: machine,
  problems: [404],
  async run({ machines }, { path }) {
    const found = await machines.get(path.machine);
    if (found !== undefined) return machineView(found);
    throw new DroverError("DROVER_MACHINE_UNKNOWN", `There is no machine '${path.machine}'.`, {
      subject: path.machine,
      remedy: "See `drover machines list` for the names of all machines.",
    });
  },
});
