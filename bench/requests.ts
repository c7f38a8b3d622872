import { mkdtempDisposable, readdir, readFile } from "node:fs/promises";
import { createServer, request as forward } from "node:http";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startDynamoDb } from "../local/engines/dynamodb.ts";
import { startS3 } from "../test/cloud/blobs/s3-server.ts";
import { startStack } from "../test/end-to-end/stack.ts";

/**
 * What a build asks of AWS: one build of trivial steps in the embedded mode, whose requests to DynamoDB (with the capacity
 * that they consume), to SQS, to S3 and to the API are counted. `infra/cost/measured.ts` has its results, for the price
 * of 1,000 steps.
 */
const steps = Number(process.argv[2] ?? 100);
/** Seconds of doing nothing, whose requests are taken off. */
const quiet = 65;

type Counts = Record<string, number>;
const counts: Counts = {};
const note = (name: string, by = 1) => (counts[name] = (counts[name] ?? 0) + by);

await using directory = await mkdtempDisposable(join(tmpdir(), "drover-requests-"));
await using s3 = await startS3((app) => {
  app.addHook("onResponse", async ({ method, url }) => {
    const query = url.includes("?")
      ? `?${[...new URL(url, "http://s3").searchParams.keys()].filter((key) => /^(uploads|uploadId|partNumber|list-type|x-id)$/.test(key)).join("&")}`
      : "";
    note(`s3.${method}${query}`);
  });
});
await using engine = await startDynamoDb();
await using proxy = await startCounting(engine.endpoint);
await using stack = await startStack({
  machines: [{ name: "counted", maxJobs: 4 }],
  blobs: s3,
  settings: {
    DROVER_DYNAMODB_ENDPOINT: proxy.endpoint,
    REQUEST_COUNTS: directory.path,
  },
  preload: new URL("count-requests.ts", import.meta.url).href,
});
await sleep(5_000);
const idle = await during(() => sleep(quiet * 1000));
const drvPaths = await stack.instantiate("trivial", { count: steps });
const began = performance.now();
const busy = await during(async () => {
  const { code, stderr } = await stack.deployment.drover(["build", ...drvPaths]);
  if (code !== 0) throw new Error(stderr);
  await sleep(3_000);
});
const seconds = (performance.now() - began) / 1000;
console.log(JSON.stringify({ idleFor: quiet, idle }, null, 2));
console.log(JSON.stringify({ steps, seconds, busy }, null, 2));

async function during(work: () => Promise<unknown>): Promise<Counts> {
  const before = await all();
  await work();
  const after = await all();
  return Object.fromEntries(
    Object.entries(after)
      .map(([name, value]) => [name, value - (before[name] ?? 0)] as const)
      .filter(([, value]) => value > 0)
      .toSorted(([a], [b]) => a.localeCompare(b)),
  );
}

async function all(): Promise<Counts> {
  const sum: Counts = { ...counts };
  for (const file of await readdir(directory.path)) {
    const counted: Counts = JSON.parse(await readFile(join(directory.path, file), "utf8"));
    for (const [name, value] of Object.entries(counted)) sum[name] = (sum[name] ?? 0) + value;
  }
  return sum;
}

/** Stands before DynamoDB and asks each request for the capacity that it takes. */
async function startCounting(endpoint: string) {
  const server = createServer((asked, answer) => {
    void (async () => {
      const body: Record<string, unknown> = JSON.parse(Buffer.concat(await asked.toArray()).toString() || "{}");
      const action = String(asked.headers["x-amz-target"]).replace(/^DynamoDB_\d+\./, "");
      const measurable = /Item|Query|Scan/.test(action);
      const text = JSON.stringify(measurable ? { ...body, ReturnConsumedCapacity: "TOTAL" } : body);
      const { host: _host, ...headers } = asked.headers;
      const passed = forward(endpoint, {
        method: asked.method,
        path: asked.url,
        headers: { ...headers, "content-length": Buffer.byteLength(text) },
      });
      passed.end(text);
      const [response] = await once(passed, "response");
      const content = Buffer.concat(await response.toArray());
      const agent = /app\/drover-(\w+)/.exec(String(asked.headers["user-agent"]))?.[1] ?? "";
      note(`dynamodb.${action}.${agent}`);
      const consumed = [JSON.parse(content.toString() || "{}").ConsumedCapacity ?? []].flat();
      const units = consumed.reduce((sum: number, each) => sum + Number(each.CapacityUnits), 0);
      note(/Put|Update|Delete|Write/.test(action) ? "dynamodb.writeUnits" : "dynamodb.readUnits", units);
      // The client checks it against the content, which has changed.
      const { "x-amz-crc32": _checksum, ...answered } = response.headers;
      answer.writeHead(response.statusCode, { ...answered, "content-length": content.length }).end(content);
    })();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}
