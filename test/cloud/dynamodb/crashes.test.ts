import { DeleteCommand, PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { beforeEach, describe, expect, test } from "vitest";
import { tableName } from "../../../cloud/topology/names.ts";
import type { TableName } from "../../../cloud/topology/tables.ts";
import {
  claimedStep,
  machineEntry,
  machineOffer,
  newBuild,
  newStep,
  outcomes,
  placementOn,
  readyStep,
  stepId,
} from "../contracts/samples.ts";
import { type Deployment, onDynamoDb } from "./on-dynamodb.ts";

const open = onDynamoDb();
let stores: Deployment;
beforeEach(async () => {
  stores = await open();
  await stores.machines.register(machineEntry("itchy"));
});

/** Writes behind the adapters' back, as a crash between two writes, an owner or an older version would leave it. */
async function alter(
  table: TableName,
  key: Record<string, unknown>,
  expression: string,
  values?: Record<string, unknown>,
) {
  const TableName = tableName(stores.name, table);
  await stores.client.send(
    new UpdateCommand({
      TableName,
      Key: key,
      UpdateExpression: expression,
      ExpressionAttributeValues: values,
      ...(expression.includes("#mode") && { ExpressionAttributeNames: { "#mode": "mode" } }),
    }),
  );
}

const removeMachine = (name: string) =>
  stores.client.send(new DeleteCommand({ TableName: tableName(stores.name, "machines"), Key: { name } }));

describe("a crash between two writes", () => {
  test("a step whose last dependency has left its set becomes ready by the event's redelivery, once", async () => {
    const { id } = await stores.steps.ensure(newStep(1), 0, 1_000);
    const waitingOn = [stepId(8), stepId(9)];
    await stores.steps.apply(id, { type: "expanded", requirementClass: "a", waitingOn }, 1_000);
    await alter("steps", { id }, "REMOVE waitingOn");
    expect(await stores.steps.get(id)).toMatchObject({ state: "waiting", waitingOn: [] });

    const redeliver = () => stores.steps.apply(id, { type: "dependency-succeeded", dependency: stepId(9) }, 2_000);
    const results = await Promise.all([redeliver(), redeliver(), redeliver()]);
    expect(results.filter((result) => result !== undefined)).toMatchObject([{ state: "ready", readySince: 2_000 }]);
    expect(await stores.steps.firstReady("a", 5)).toMatchObject([{ id }]);
    expect(await redeliver()).toBeUndefined();
  });

  test.each([
    ["succeeded", {}],
    ["failed", { [stepId(7)]: "gcc" }],
  ])("a build whose last target has left its set is %s by the event's redelivery", async (state, failedSteps) => {
    const { id } = newBuild(1);
    await stores.builds.create(newBuild(1));
    await alter("builds", { id }, "REMOVE waitingOn SET failedSteps = :failed", { ":failed": failedSteps });
    expect(await stores.builds.targetSettled(id, stepId(1), undefined, 5_000)).toMatchObject({ state });
    expect(await stores.builds.inState("planning", 9_999, 5)).toEqual([]);
  });

  test("a build that does not keep going fails by redelivery though other targets are open", async () => {
    const { id } = newBuild(1);
    await stores.builds.create(newBuild(1, { waitingOn: [stepId(2), stepId(3)] }));
    await alter("builds", { id }, "SET failedSteps = :failed", { ":failed": { [stepId(7)]: "gcc" } });
    expect(await stores.builds.targetSettled(id, stepId(1), undefined, 5_000)).toMatchObject({
      state: "failed",
      failure: { kind: "steps", steps: [{ step: stepId(7), name: "gcc" }] },
    });
  });
});

describe("a machine that changes while its slots are held", () => {
  test("takes nothing new while drained", async () => {
    const ready = await readyStep(stores.steps, 1);
    await alter("machines", { name: "itchy" }, "SET #mode = :drained", { ":drained": "drained" });
    expect(await stores.steps.claim(ready, placementOn("itchy"), undefined, 2_000)).toBe("full");
    expect(await stores.machines.get("itchy")).toMatchObject({ mode: "drained", running: 0 });
  });

  test("stays drained when it is registered anew", async () => {
    await alter("machines", { name: "itchy" }, "SET #mode = :drained", { ":drained": "drained" });
    await stores.machines.register(machineEntry("itchy", { maxJobs: 9 }));
    expect(await stores.machines.get("itchy")).toMatchObject({ mode: "drained" });
  });

  test.each([
    ["a fault", outcomes.died, "ready", "backing-off"],
    ["success", outcomes.built, "succeeded", "healthy"],
  ] as const)("removed, it does not block the settlement of %s", async (_, outcome, state, health) => {
    const claimed = await claimedStep(stores.steps, await readyStep(stores.steps, 1), "itchy");
    await removeMachine("itchy");
    expect(await stores.steps.settle(claimed.id, 1, outcome, 3_000)).toMatchObject({ state });
    expect(await stores.machines.get("itchy")).toBeUndefined();

    // Added again, it never holds fewer than no slots.
    await stores.machines.register(machineEntry("itchy"));
    const other = await claimedStep(stores.steps, await readyStep(stores.steps, 2), "itchy");
    await removeMachine("itchy");
    await stores.machines.register(machineEntry("itchy"));
    expect(await stores.steps.settle(other.id, 1, outcome, 4_000)).toMatchObject({ state });
    expect(await stores.machines.get("itchy")).toMatchObject({ running: 0, health: { state: health } });
  });
});

describe("what other versions write", () => {
  test("a machine of the version before alternatives and routes is read, claimed and edited", async () => {
    await alter("machines", { name: "itchy" }, "REMOVE alternatives, route, drainedFor, mostJobs");
    const old = { alternatives: [], route: null, drainedFor: null };
    expect(await stores.machines.list()).toMatchObject([{ name: "itchy", ...old }]);
    expect(await stores.machines.register(machineEntry("itchy"))).toMatchObject({ outcome: "unchanged" });

    const many = placementOn("itchy", 99);
    for (const number of [1, 2, 3, 4])
      await stores.steps.claim(await readyStep(stores.steps, number), many, undefined, 1);
    expect(await stores.steps.claim(await readyStep(stores.steps, 5), many, undefined, 2_000)).toBe("full");

    // What it may hold is known from now on, also where the most is as before.
    const alternatives = [machineOffer({ maxJobs: 4 })];
    await stores.machines.register({ ...machineEntry("itchy", { maxJobs: 1 }), alternatives });
    await stores.steps.settle(stepId(1), 1, outcomes.built, 3_000);
    await claimedStep(stores.steps, await readyStep(stores.steps, 6), "itchy");
    expect(await stores.machines.get("itchy")).toMatchObject({ running: 4, version: 2, alternatives });
  });

  test("attributes that this version does not know survive its changes", async () => {
    const ready = await readyStep(stores.steps, 1);
    await alter("steps", { id: ready.id }, "SET estimate = :seconds", { ":seconds": 42 });
    const claimed = await claimedStep(stores.steps, ready, "itchy");
    await stores.steps.settle(claimed.id, 1, outcomes.died, 3_000);
    await expect(
      stores.client.send(
        new UpdateCommand({
          TableName: tableName(stores.name, "steps"),
          Key: { id: ready.id },
          UpdateExpression: "REMOVE estimate",
          ConditionExpression: "estimate = :seconds",
          ExpressionAttributeValues: { ":seconds": 42 },
        }),
      ),
    ).resolves.toBeDefined();
  });

  test("an item that can not be read is named, with what is wrong", async () => {
    const Item = { id: stepId(1), state: "sleeping", attempt: "1" };
    await stores.client.send(new PutCommand({ TableName: tableName(stores.name, "steps"), Item }));
    await expect(stores.steps.get(stepId(1))).rejects.toMatchObject({
      code: "DROVER_ITEM",
      subject: `step ${stepId(1)}`,
      message: expect.stringContaining("state: "),
    });
  });
});
