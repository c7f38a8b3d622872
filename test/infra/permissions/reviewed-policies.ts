import { readFile } from "node:fs/promises";
import { type RolePolicies, rolePolicies } from "./role-policies.ts";

/** What the reviewed template (`test/infra/template.test.ts`) gives each role. */
export async function reviewedPolicies(): Promise<RolePolicies> {
  return rolePolicies(JSON.parse(await readFile(new URL("../fixtures/drover.template.json", import.meta.url), "utf8")));
}
