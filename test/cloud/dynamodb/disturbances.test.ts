import { expect, test } from "vitest";
import { dynamoDbClient } from "../../../cloud/dynamodb/client.ts";
import { dynamoDbStores } from "../../../cloud/dynamodb/stores.ts";
import {
  claimedStep,
  hostKeyChanged,
  machineEntry,
  newStep,
  outcomes,
  placementOn,
  readyStep,
  stepId,
} from "../contracts/samples.ts";
import { onDynamoDb } from "./on-dynamodb.ts";
import { type Answer, cancelled, conflict, type PassingRequest, startTamperingProxy } from "./tampering-proxy.ts";

const open = onDynamoDb();

/** Stores whose requests pass through a hand that tampers with them, beside the same stores without it. */
async function through(tamper: (request: PassingRequest) => Promise<Answer | undefined>) {
  const undisturbed = await open();
  const proxy = await startTamperingProxy(undisturbed.endpoint, tamper);
  const client = dynamoDbClient({ endpoint: proxy.endpoint });
  return {
    undisturbed,
    disturbed: dynamoDbStores({ client, name: undisturbed.name }),
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

test("a claim that meets other transactions is tried again", async () => {
  const reasons = [
    ["None", "None", "TransactionConflict"],
    ["TransactionConflict", "None", "ThrottlingError"],
  ];
  await using stores = await through(async ({ operation, forward }) => {
    const codes = operation === "TransactWriteItems" ? reasons.shift() : undefined;
    return codes === undefined ? await forward() : cancelled(...codes);
  });
  const { undisturbed, disturbed } = stores;
  await undisturbed.machines.register(machineEntry("itchy"));
  const claimed = await claimedStep(disturbed.steps, await readyStep(undisturbed.steps, 1), "itchy");
  expect(claimed).toMatchObject({ state: "assigned" });
  expect(reasons).toEqual([]);
  expect(await undisturbed.machines.get("itchy")).toMatchObject({ running: 1 });
});

test.each([
  ["lost", ["ConditionalCheckFailed", "None", "TransactionConflict"]],
  ["lost", ["None", "ConditionalCheckFailed", "None"]],
  ["lost", ["ConditionalCheckFailed", "None", "ConditionalCheckFailed"]],
  ["full", ["TransactionConflict", "None", "ConditionalCheckFailed"]],
])("a claim is %s for the reasons %j", async (result, codes) => {
  let transactions = 0;
  await using stores = await through(async ({ operation, forward }) => {
    if (operation !== "TransactWriteItems") return forward();
    transactions++;
    return cancelled(...codes);
  });
  const ready = await readyStep(stores.undisturbed.steps, 1);
  expect(await stores.disturbed.steps.claim(ready, placementOn("itchy"), undefined, 2_000)).toBe(result);
  expect(transactions).toBe(1);
});

test("a transaction that can not be is an error", async () => {
  await using stores = await through(async ({ operation, forward }) =>
    operation === "TransactWriteItems" ? cancelled("None", "ValidationError", "None") : forward(),
  );
  const ready = await readyStep(stores.undisturbed.steps, 1);
  await expect(stores.disturbed.steps.claim(ready, placementOn("itchy"), undefined, 2_000)).rejects.toMatchObject({
    name: "TransactionCanceledException",
  });
});

test("a claim and a settlement whose answers are lost are still one each", async () => {
  let lost = 0;
  await using stores = await through(async ({ operation, forward }) => {
    const answer = await forward();
    return operation === "TransactWriteItems" && ++lost % 2 === 1 ? undefined : answer;
  });
  const { undisturbed, disturbed } = stores;
  await undisturbed.machines.register(machineEntry("itchy"));
  const claimed = await claimedStep(disturbed.steps, await readyStep(undisturbed.steps, 1), "itchy");
  expect(await undisturbed.machines.get("itchy")).toMatchObject({ running: 1 });
  expect(await disturbed.steps.settle(claimed.id, 1, outcomes.built, 3_000)).toMatchObject({ state: "succeeded" });
  expect(await undisturbed.machines.get("itchy")).toMatchObject({ running: 0 });
  expect(lost).toBe(4);
});

test("somebody who drains the machine while a settlement drains it for its host key has the last word", async () => {
  let edited = false;
  await using stores = await through(async ({ operation, forward }) => {
    if (operation === "TransactWriteItems" && !edited) {
      edited = true;
      await undisturbed.machines.setMode("itchy", "drained");
    }
    return forward();
  });
  const { undisturbed, disturbed } = stores;
  await undisturbed.machines.register(machineEntry("itchy"));
  const claimed = await claimedStep(undisturbed.steps, await readyStep(undisturbed.steps, 1), "itchy");
  expect(await disturbed.steps.settle(claimed.id, 1, hostKeyChanged, 3_000)).toMatchObject({ state: "ready" });
  expect(await undisturbed.machines.get("itchy")).toMatchObject({
    mode: "drained",
    drainedFor: null,
    running: 0,
    version: 2,
  });
});

test("what is found out about a machine is not written over what became of it before the write", async () => {
  let settled = false;
  await using stores = await through(async ({ operation, forward }) => {
    if (operation === "UpdateItem" && !settled) {
      settled = true;
      await undisturbed.steps.settle(stepId(1), 1, outcomes.unreachable, 3_000);
    }
    return forward();
  });
  const { undisturbed, disturbed } = stores;
  const { after: idle } = await undisturbed.machines.register(machineEntry("itchy"));
  await claimedStep(undisturbed.steps, await readyStep(undisturbed.steps, 1), "itchy");
  const reason = outcomes.died.fault;
  expect(await disturbed.machines.setHealth(idle, { state: "on-probation", faults: 1, reason })).toBe(false);
  expect(await undisturbed.machines.get("itchy")).toMatchObject({ health: { state: "backing-off" }, running: 0 });
});

test("a machine that is claimed between a look at it and its removal stays", async () => {
  let claims = 0;
  await using stores = await through(async ({ operation, forward }) => {
    if (operation === "DeleteItem") {
      claims++;
      await claimedStep(undisturbed.steps, await readyStep(undisturbed.steps, 1), "itchy");
    }
    return forward();
  });
  const { undisturbed, disturbed } = stores;
  await undisturbed.machines.register(machineEntry("itchy"));
  expect(await disturbed.machines.remove("itchy")).toBe("busy");
  expect(claims).toBe(1);
  expect(await undisturbed.machines.get("itchy")).toMatchObject({ running: 1 });
});

test("a single write that meets a transaction is tried again", async () => {
  let conflicts = 2;
  await using stores = await through(async ({ operation, forward }) =>
    operation === "UpdateItem" && conflicts-- > 0 ? conflict : await forward(),
  );
  await readyStep(stores.disturbed.steps, 1);
  expect(conflicts).toBe(-1);
  expect(await stores.undisturbed.steps.get(stepId(1))).toMatchObject({ state: "ready" });
});

test("what a batch leaves undone is asked for again", async () => {
  const operations: string[] = [];
  await using stores = await through(async ({ operation, body, forward }) => {
    operations.push(operation);
    const [table, requests] = Object.entries(Object(body["RequestItems"]))[0] ?? ["", []];
    if (operation === "BatchWriteItem" && Array.isArray(requests) && requests.length > 1) {
      const half = Math.ceil(requests.length / 2);
      await forward({ RequestItems: { [table]: requests.slice(0, half) } });
      return { status: 200, body: { UnprocessedItems: { [table]: requests.slice(half) } } };
    }
    const { Keys: keys = [], ...others } = Object(requests);
    if (operation === "BatchGetItem" && keys.length > 1) {
      const { body: answer } = await forward({ RequestItems: { [table]: { ...others, Keys: keys.slice(0, 1) } } });
      return {
        status: 200,
        body: { ...Object(answer), UnprocessedKeys: { [table]: { ...others, Keys: keys.slice(1) } } },
      };
    }
    return forward();
  });
  const { dependents, steps } = stores.disturbed;
  const ids = Array.from({ length: 30 }, (_, number) => stepId(number));
  await dependents.add(
    stepId(1),
    ids.map((step) => ({ kind: "step", step })),
  );
  expect(await Array.fromAsync(stores.undisturbed.dependents.of(stepId(1)))).toHaveLength(30);
  expect(operations.filter((operation) => operation === "BatchWriteItem").length).toBeGreaterThan(2);

  for (const number of [1, 2, 3]) await stores.undisturbed.steps.ensure(newStep(number), 0, 1_000);
  const found = await steps.getMany([1, 2, 3].map(stepId));
  expect(found.map(({ id }) => id).toSorted()).toEqual([1, 2, 3].map(stepId));
});

test("a batch of which nothing is done any more is given up with a remedy", { timeout: 60_000 }, async () => {
  await using stores = await through(async ({ body }) => {
    return { status: 200, body: { UnprocessedItems: body["RequestItems"] } };
  });
  await expect(stores.disturbed.dependents.add(stepId(1), [{ kind: "step", step: stepId(2) }])).rejects.toMatchObject({
    code: "DROVER_TABLE_BUSY",
    subject: `${stores.undisturbed.name}-dependents`,
  });
});
