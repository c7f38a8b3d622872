import { randomBytes } from "node:crypto";
import { expect } from "vitest";
import type { Cloud } from "../../cloud/connect.ts";
import { storePathHash } from "../../nix/store-path.ts";
import { type Client, derivationsFile, type NixArguments } from "../machines/client.ts";
import { ClientStore } from "./attempt/stores.ts";

/**
 * Does to a derivation what `plan` and `schedule` do, up to the dispatch of its step to `itchy`.
 *
 * @param attribute of `test/machines/derivations.nix`
 * @returns the step's id
 */
export async function dispatchStep(
  cloud: Cloud,
  client: Client,
  attribute: string,
  args: NixArguments = {},
): Promise<string> {
  const salt = randomBytes(8).toString("hex");
  const [drvPath = ""] = await client.instantiate(derivationsFile, attribute, { salt, ...args });
  const store = new ClientStore(client);
  const info = (await store.narInfos([drvPath])).get(drvPath);
  if (info === undefined) throw new Error(`${drvPath} is not in the client's store`);
  await cloud.cache.addOutput(info, () => store.openNar(info));
  const id = storePathHash(drvPath);
  await assign(cloud, id, drvPath, attribute);
  await cloud.dispatches.send({ step: id, attempt: 1 });
  return id;
}

async function assign(cloud: Cloud, id: string, drvPath: string, name: string): Promise<void> {
  const now = Date.now();
  await cloud.steps.ensure({ id, drvPath, name, priority: 50 }, now, now);
  const ready = await cloud.steps.apply(id, { type: "expanded", requirementClass: "x86_64-linux", waitingOn: [] }, now);
  if (ready === undefined) throw new Error("the step is not ready");
  const requirement = { system: "x86_64-linux", features: [] };
  const verdict = { verdict: "chosen" as const, load: 0, running: 0, maxJobs: 8, speedFactor: 1 };
  const verdicts = [{ machine: "itchy", ...verdict }];
  const placement = { requirement, chosen: "itchy", verdicts, decidedAt: now };
  expect(await cloud.steps.claim(ready, placement, undefined, now)).toMatchObject({ state: "assigned" });
}
