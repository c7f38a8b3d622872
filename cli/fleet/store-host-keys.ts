import type { Machine } from "../../lambdas/api/schema/machines.ts";
import { DroverError } from "../../nix/drover-error.ts";
import type { ApiClient } from "../api/client.ts";
import { getMachine, trustMachine } from "../api/machine-operations.ts";

/**
 * Stores host keys for a machine as somebody has seen it.
 *
 * @throws {DroverError} DROVER_MACHINE_CHANGED when somebody has changed it meanwhile
 */
export async function storeHostKeys(
  client: ApiClient,
  seen: Machine,
  trust: { readonly keys: readonly string[]; readonly replace: boolean },
  signal: AbortSignal,
): Promise<Machine> {
  const { name } = seen;
  try {
    return await trustMachine(client, name, trust, { signal, ifMatch: seen.etag });
  } catch (error) {
    if (!(error instanceof DroverError) || error.code !== "DROVER_MACHINE_CHANGED") throw error;
    // To look at a machine whose key has changed is to have Drover drain it, which is a change, but nobody else's.
    const now = await getMachine(client, name, { signal });
    if (seen.drainedFor !== null || now.drainedFor === null || !isSameHost(seen, now)) throw error;
    return await trustMachine(client, name, trust, { signal, ifMatch: now.etag });
  }
}

function isSameHost(a: Machine, b: Machine): boolean {
  const told = ({ uri, hostKey, route }: Machine) => JSON.stringify([uri, hostKey, route]);
  return told(a) === told(b);
}
