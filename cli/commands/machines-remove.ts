import type { MachineRemoval } from "../../lambdas/api/schema/machines.ts";
import { DroverError } from "../../nix/drover-error.ts";
import type { ApiClient } from "../api/client.ts";
import { getMachine, removeMachine } from "../api/machine-operations.ts";
import type { Context } from "../context.ts";
import { eachMachine } from "../fleet/each-machine.ts";
import { machineNamesOf } from "../fleet/machine-name.ts";
import { count } from "../terminal/units.ts";

/** Forgets machines. */
export async function machinesRemove(
  context: Context,
  given: readonly string[],
  { force = false }: { readonly force?: boolean },
): Promise<number> {
  const { stdout } = context;
  const client = await context.client();
  return await eachMachine<MachineRemoval>(context, machineNamesOf(given), {
    what: async (name, signal) => await remove(client, name, force, signal),
    tell: ({ name, movedSteps }) => {
      const moved =
        movedSteps === 0
          ? ""
          : `; ${count(movedSteps, "step")} that ran on it ${movedSteps === 1 ? "is" : "are"} built elsewhere`;
      stdout.line(`${stdout.style.bold(name)}: removed${moved}`);
    },
  });
}

async function remove(client: ApiClient, name: string, force: boolean, signal: AbortSignal): Promise<MachineRemoval> {
  const { etag } = await getMachine(client, name, { signal });
  try {
    return await removeMachine(client, name, force, { signal, ifMatch: etag });
  } catch (error) {
    // It was there a moment ago: somebody else wanted the same, or the answer to our own removal was lost.
    if (error instanceof DroverError && error.details["status"] === 404) return { name, movedSteps: 0 };
    throw error;
  }
}
