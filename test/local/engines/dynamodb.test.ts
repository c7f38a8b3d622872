import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { expect, test } from "vitest";
import { dynamoDbClient } from "../../../cloud/dynamodb/client.ts";
import { dynamoDbStores } from "../../../cloud/dynamodb/stores.ts";
import { startDynamoDb } from "../../../local/engines/dynamodb.ts";
import { createTables } from "../../../local/engines/tables.ts";
import { newStep } from "../../cloud/contracts/samples.ts";

const module = new URL("../../../local/engines/dynamodb.ts", import.meta.url).href;

async function answers(endpoint: string): Promise<boolean> {
  return fetch(endpoint).then(
    () => true,
    () => false,
  );
}

/** Runs a piece of a program of its own, which has `startDynamoDb`. */
function inItsOwnProcess(program: string) {
  const script = `const { startDynamoDb } = await import(${JSON.stringify(module)}); ${program}`;
  return spawn(process.execPath, ["--input-type=module", "--eval", script], { stdio: ["ignore", "pipe", "inherit"] });
}

test("an engine answers until it is disposed of", async () => {
  const engine = await startDynamoDb();
  const client = dynamoDbClient({ endpoint: engine.endpoint });
  expect((await client.send(new ListTablesCommand())).TableNames).toEqual([]);
  client.destroy();
  await engine[Symbol.asyncDispose]();
  expect(await engine.ended).toBeUndefined();
  expect(await answers(engine.endpoint)).toBe(false);
});

test("several engines have ports and tables of their own", async () => {
  await using engines = new AsyncDisposableStack();
  const started = await Promise.all([1, 2, 3].map(async () => engines.use(await startDynamoDb())));
  const [first] = started;
  const client = engines.adopt(dynamoDbClient({ endpoint: first?.endpoint }), (each) => each.destroy());
  await createTables(client, "mine");
  expect(new Set(started.map(({ endpoint }) => endpoint)).size).toBe(3);
  for (const { endpoint } of started.slice(1)) {
    const other = engines.adopt(dynamoDbClient({ endpoint }), (each) => each.destroy());
    expect((await other.send(new ListTablesCommand())).TableNames).toEqual([]);
  }
});

test("what is in the file is there again after a restart", async () => {
  await using directory = {
    path: await mkdtemp(join(tmpdir(), "drover-")),
    [Symbol.asyncDispose]: () => rm(directory.path, { recursive: true }),
  };
  const file = join(directory.path, "tables.sqlite");
  const step = newStep(1);
  for (const use of [
    async (stores: ReturnType<typeof dynamoDbStores>) => void (await stores.steps.ensure(step, 0, 1_000)),
    async ({ steps }: ReturnType<typeof dynamoDbStores>) => expect(await steps.get(step.id)).toMatchObject(step),
  ]) {
    await using engine = await startDynamoDb({ file });
    const client = dynamoDbClient({ endpoint: engine.endpoint });
    await createTables(client, "drover");
    await use(dynamoDbStores({ client, name: "drover" }));
    client.destroy();
  }
});

test("a port that is taken is an error that says so", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  await expect(startDynamoDb({ port })).rejects.toMatchObject({
    code: "DROVER_DYNAMODB_START",
    message: expect.stringContaining(`port ${port} is already in use`),
    remedy: expect.stringContaining("DROVER_DYNAMODB_ENDPOINT"),
  });
  server.close();
});

test("an engine that ends by itself is reported", async () => {
  const child = inItsOwnProcess(`
    const { readFileSync } = await import("node:fs");
    await using engine = await startDynamoDb();
    const [engineProcess] = readFileSync("/proc/self/task/" + process.pid + "/children", "utf8").split(" ");
    process.kill(Number(engineProcess), "SIGKILL");
    console.log((await engine.ended).code);
  `);
  const lines = await Array.fromAsync(createInterface({ input: child.stdout }));
  expect(lines).toEqual(["DROVER_DYNAMODB_ENDED"]);
});

test("an engine ends with its parent, also when that is killed", async () => {
  const child = inItsOwnProcess(`
    const engine = await startDynamoDb();
    console.log(engine.endpoint);
    await engine.ended;
  `);
  const [endpoint] = await once(createInterface({ input: child.stdout }), "line");
  expect(await answers(endpoint)).toBe(true);
  child.kill("SIGKILL");
  await once(child, "exit");
  for (let tries = 0; tries < 100 && (await answers(endpoint)); tries++) await pause(20);
  expect(await answers(endpoint)).toBe(false);
});

test("where there is no engine for the system, the remedy is an endpoint", async () => {
  const child = inItsOwnProcess(`
    Object.defineProperty(process, "platform", { value: "sunos" });
    await startDynamoDb().catch(({ code, remedy }) => console.log(code, remedy));
  `);
  const [line] = await Array.fromAsync(createInterface({ input: child.stdout }));
  expect(line).toMatch(/^DROVER_DYNAMODB_MISSING .*DROVER_DYNAMODB_ENDPOINT/);
});

test("a start that is given up leaves nothing running", async () => {
  const signal = AbortSignal.abort(new Error("enough"));
  await expect(startDynamoDb({ signal })).rejects.toThrow("enough");
});
