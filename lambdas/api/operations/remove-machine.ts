import * as z from "zod";
import type { Machine } from "../../../fleet/machine.ts";
import { DroverError } from "../../../nix/drover-error.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { machineChanged, machineEtag, matches } from "../machines/etags.ts";
import { findMachine, machineUnknown } from "../machines/find-machine.ts";
import { takeStepsOff } from "../machines/take-steps-off.ts";
import { ifMatch, machinePath, machineRemoval, removalQuery } from "../schema/machines.ts";
import { jsonOperation } from "./operation.ts";
import { waitFor } from "./wait-for.ts";

/** How long a removal waits for the slots of the steps that go elsewhere, in seconds; they are freed within one. */
const patience = 10;

export const removeMachine = jsonOperation({
  summary: "Remove a machine",
  description:
    "A machine on which steps run is kept, unless `force` is said: then it is drained, and its steps are built elsewhere.",
  tag: "machines",
  input: z.object({ path: machinePath, query: removalQuery, headers: ifMatch }),
  result: machineRemoval,
  problems: [404, 409, 412],
  async run(dependencies, { path, query, headers }, { signal }) {
    const found = await findMachine(dependencies, path.machine);
    if (!matches(headers["if-match"], machineEtag(found))) throw machineChanged(found.name);
    const { outcome, movedSteps } = query.force
      ? await removeForced(dependencies, found, signal)
      : { outcome: await dependencies.machines.remove(found.name, found.version), movedSteps: 0 };
    if (outcome === "busy") throw busy(await findMachine(dependencies, found.name), query.force);
    await dependencies.inspections.remove(found.name);
    if (outcome === "unknown") throw machineUnknown(found.name);
    return { name: found.name, movedSteps };
  },
});

type Removal = Awaited<ReturnType<ApiDependencies["machines"]["remove"]>>;

/** Whoever enables the machine again while it is emptied is not overruled: it is at another version then. */
async function removeForced(
  dependencies: ApiDependencies,
  { name, version }: Machine,
  signal: AbortSignal,
): Promise<{ outcome: Removal; movedSteps: number }> {
  const { machines } = dependencies;
  const drained = await machines.setMode(name, "drained", version);
  const reported = new Set<string>();
  let movedSteps = 0;
  const outcome = await waitFor(
    async () => {
      // Each time: a step that was claimed just before the machine was drained may not have been seen yet.
      movedSteps += await takeStepsOff(dependencies, name, reported);
      return await machines.remove(name, drained.version);
    },
    (removal) => removal !== "busy",
    { seconds: patience, signal },
  );
  return { outcome, movedSteps };
}

function busy({ name, running }: Machine, forced: boolean): DroverError {
  const steps = running === 1 ? "1 step" : `${running} steps`;
  return forced
    ? new DroverError("DROVER_MACHINE_BUSY", `'${name}' is drained, and ${steps} are still being taken off it.`, {
        subject: name,
        remedy: "Try again in a few seconds; enable it again if you want to keep it.",
      })
    : new DroverError("DROVER_MACHINE_BUSY", `'${name}' holds ${steps} and can not be removed.`, {
        subject: name,
        remedy: `Drain it and wait for them (drover machines drain ${name}), or have them built elsewhere: drover machines remove --force ${name}`,
      });
}
