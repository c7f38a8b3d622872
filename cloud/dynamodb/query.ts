import { QueryCommand, type QueryCommandInput, ScanCommand } from "@aws-sdk/lib-dynamodb";
import type { Database, Item } from "./database.ts";

/** All that a query finds, page by page, as far as the reader goes. */
export async function* pages({ client }: Database, query: QueryCommandInput): AsyncGenerator<Item[]> {
  let start = query.ExclusiveStartKey;
  do {
    const answer = await client.send(new QueryCommand({ ...query, ExclusiveStartKey: start }));
    yield answer.Items ?? [];
    start = answer.LastEvaluatedKey;
  } while (start !== undefined);
}

/** The first items that a query finds. One page may hold fewer than were asked for, and yet not be the last. */
export async function firstItems(database: Database, query: QueryCommandInput, limit: number): Promise<Item[]> {
  const found: Item[] = [];
  if (limit < 1) return found;
  for await (const page of pages(database, { ...query, Limit: limit })) {
    found.push(...page);
    if (found.length >= limit) break;
  }
  return found.slice(0, limit);
}

/** Every item of a table, seeing every earlier write. For tables that stay small. */
export async function allItems({ client }: Database, table: string): Promise<Item[]> {
  const found: Item[] = [];
  let start: Record<string, unknown> | undefined;
  do {
    const answer = await client.send(
      new ScanCommand({ TableName: table, ConsistentRead: true, ExclusiveStartKey: start }),
    );
    found.push(...(answer.Items ?? []));
    start = answer.LastEvaluatedKey;
  } while (start !== undefined);
  return found;
}
