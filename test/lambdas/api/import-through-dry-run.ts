import { expect } from "vitest";
import type { MachineImport } from "../../../lambdas/api/schema/machines.ts";
import type { Deployment } from "./deployment.ts";

/** Shown first and done then: the dry run must have said exactly what is done, but for the ETag after it. */
export async function importThroughDryRun(
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
