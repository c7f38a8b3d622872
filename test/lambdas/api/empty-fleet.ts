import { afterAll, beforeAll, beforeEach, expect } from "vitest";
import type { Machine } from "../../../fleet/machine.ts";
import type { MachineImport } from "../../../lambdas/api/schema/machines.ts";
import { type Deployment, startDeployment } from "./deployment.ts";

/** Shown first and done then: the dry run must have said exactly what is done, but for the ETag after it. */
async function importThroughDryRun(
  { api, cloud }: Deployment,
  body: unknown,
  query: Record<string, string> = {},
): Promise<MachineImport> {
  const before = await cloud.machines.list();
  const { etag, ...shown } = Object(await api.json("importMachines", { body, query: { ...query, dryRun: "true" } }));
  expect(await cloud.machines.list()).toEqual(before);
  expect(Object(await api.json("listMachines")).etag).toBe(etag);
  const done = Object(await api.json("importMachines", { body, query }));
  expect(done).toMatchObject(shown);
  expect(Object(await api.json("listMachines")).etag).toBe(done.etag);
  return done;
}

/** A deployment for a test file, in which each test begins with no machine, and what its tests do there. */
export function onEmptyFleet(use: (deployment: Deployment) => void) {
  let deployment: Deployment;
  beforeAll(async () => {
    deployment = await startDeployment();
    use(deployment);
  });
  afterAll(() => deployment[Symbol.asyncDispose]());
  beforeEach(async () => {
    const { machines } = deployment.cloud;
    for (const { name } of await machines.list()) await machines.remove(name);
    await deployment.sent("fleetEvents");
  });
  const importing = (body: unknown, query: Record<string, string> = {}): Promise<MachineImport> =>
    importThroughDryRun(deployment, body, query);
  return {
    importing,
    /** What becomes of each machine: `itchy added`. */
    outcomes: async (body: string, query: Record<string, string> = {}): Promise<string[]> => {
      const { machines, absent } = await importing(body, query);
      return [...machines, ...absent].map(({ name, outcome }) => `${name} ${outcome}`);
    },
    machineNamed: async (name: string): Promise<Machine> => {
      const machine = await deployment.cloud.machines.get(name);
      if (machine === undefined) throw new Error(`${name} is gone`);
      return machine;
    },
  };
}
