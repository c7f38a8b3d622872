import { setTimeout as pause } from "node:timers/promises";
import { BatchGetCommand, BatchWriteCommand, type BatchWriteCommandInput } from "@aws-sdk/lib-dynamodb";
import { DroverError } from "../../nix/drover-error.ts";
import { chunks, concurrently } from "../concurrently.ts";
import type { Database, Item } from "./database.ts";

/** DynamoDB's limits for one request. */
const writesPerBatch = 25;
const readsPerBatch = 100;
const batchesAtOnce = 4;
const tries = 10;

/** Puts items, replacing those of the same key. @param keyOf tells duplicates apart, which DynamoDB refuses */
export function putAll<Value extends Item>(
  database: Database,
  table: string,
  items: readonly Value[],
  keyOf: (item: Value) => string,
): Promise<void> {
  const distinct = [...new Map(items.map((item) => [keyOf(item), item])).values()];
  return writeAll(
    database,
    table,
    distinct.map((item) => ({ PutRequest: { Item: item } })),
  );
}

type Writes = NonNullable<BatchWriteCommandInput["RequestItems"]>[string];

async function writeAll({ client }: Database, table: string, writes: Writes): Promise<void> {
  await concurrently(chunks(writes, writesPerBatch), batchesAtOnce, async (chunk) => {
    await untilNothingIsLeft(table, chunk, async (left) => {
      const answer = await client.send(new BatchWriteCommand({ RequestItems: { [table]: left } }));
      return answer.UnprocessedItems?.[table] ?? [];
    });
  });
}

/** Reads by key, seeing every earlier write. The keys must be distinct. What is not there is left out. */
export async function getAll({ client }: Database, table: string, keys: readonly Item[]): Promise<Item[]> {
  const items: Item[] = [];
  await concurrently(chunks(keys, readsPerBatch), batchesAtOnce, async (chunk) => {
    await untilNothingIsLeft(table, chunk, async (left) => {
      const request = { [table]: { Keys: [...left], ConsistentRead: true } };
      const answer = await client.send(new BatchGetCommand({ RequestItems: request }));
      items.push(...(answer.Responses?.[table] ?? []));
      return answer.UnprocessedKeys?.[table]?.Keys ?? [];
    });
  });
  return items;
}

/** A batch may be done in part, under load or when an answer would be too large; the rest is asked for again. */
async function untilNothingIsLeft<Request>(
  table: string,
  requests: Request[],
  send: (left: Request[]) => Promise<Request[]>,
): Promise<void> {
  let left = await send(requests);
  let before = requests.length;
  for (let fruitless = 0; left.length > 0; left = await send(left)) {
    fruitless = left.length < before ? 0 : fruitless + 1;
    if (fruitless === tries) {
      throw new DroverError("DROVER_TABLE_BUSY", `${table} left ${left.length} requests of a batch undone`, {
        subject: table,
        remedy: "Try again; if it persists, look for throttling in the table's CloudWatch metrics.",
      });
    }
    before = left.length;
    await pause(Math.random() * Math.min(2_000, 25 * 2 ** fruitless));
  }
}
