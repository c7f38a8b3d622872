import * as z from "zod";
import { uuidV7 } from "../../../cloud/uuid-v7.ts";
import { findMachine } from "../machines/find-machine.ts";
import {
  inspectionPath,
  inspectionQuery,
  requestedInspection,
  type RequestedInspection,
} from "../schema/inspections.ts";
import { machinePath } from "../schema/machines.ts";
import { inspectionView } from "../views/inspection.ts";
import { jsonOperation } from "./operation.ts";
import { waitFor } from "./wait-for.ts";

export const inspectMachine = jsonOperation({
  summary: "Have a machine looked at",
  description:
    "A runner looks at the machine as it would to build there, from name resolution to a question to its Nix. Nothing is built.",
  tag: "machines",
  input: z.object({ path: machinePath }),
  status: 202,
  result: requestedInspection,
  location: ({ id }, { path }) => `/v1/machines/${encodeURIComponent(path.machine)}/inspections/${id}`,
  problems: [404],
  async run(dependencies, { path }): Promise<RequestedInspection> {
    const { name } = await findMachine(dependencies, path.machine);
    const id = uuidV7(dependencies.now());
    await dependencies.inspectionRequests.send({ machine: name, id });
    return { id, state: "pending", inspection: null };
  },
});

export const getInspection = jsonOperation({
  summary: "Read what a look at a machine has found",
  description: "Answers as soon as a runner has looked at the machine, or when `wait` is over.",
  tag: "machines",
  input: z.object({ path: inspectionPath, query: inspectionQuery }),
  result: requestedInspection,
  problems: [404],
  async run(dependencies, { path, query }, { signal }): Promise<RequestedInspection> {
    const { name } = await findMachine(dependencies, path.machine);
    const id = path.inspection;
    const latest = await waitFor(
      () => dependencies.inspections.get(name),
      // Only the latest one is kept, and a later one tells as much.
      (found) => found !== undefined && found.id >= id,
      { seconds: query.wait, signal },
    );
    if (latest === undefined || latest.id < id) return { id, state: "pending", inspection: null };
    // Read again: it may have been changed while this waited.
    const machine = await findMachine(dependencies, path.machine);
    return { id, state: "finished", inspection: inspectionView(latest, machine) };
  },
});
