import * as z from "zod";
import { machineChanged, machineEtag, matches } from "../machines/etags.ts";
import { findMachine } from "../machines/find-machine.ts";
import { ifMatch, machine, machinePath, machineUpdate } from "../schema/machines.ts";
import { jsonOperation } from "./operation.ts";
import { inspectedView } from "./read-machines.ts";

export const updateMachine = jsonOperation({
  summary: "Drain or enable a machine",
  description: "A drained machine finishes what runs and takes nothing new. Enabling it forgets its faults, too.",
  tag: "machines",
  input: z.object({ path: machinePath, headers: ifMatch, body: machineUpdate }),
  result: machine,
  etag: ({ etag }) => etag,
  problems: [404, 412, 415],
  async run(dependencies, { path, headers, body }) {
    const found = await findMachine(dependencies, path.machine);
    const condition = headers["if-match"];
    if (!matches(condition, machineEtag(found))) throw machineChanged(found.name);
    const expected = condition === undefined ? undefined : found.version;
    const updated = await dependencies.machines.setMode(found.name, body.mode, expected);
    if (updated.mode === "enabled")
      await dependencies.events.send([{ type: "machine-available", machine: updated.name }]);
    return await inspectedView(dependencies, updated);
  },
});
