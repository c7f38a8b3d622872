import { once } from "node:events";
import { mkdtempDisposable, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import * as z from "zod";
import { runCommand } from "../../machines/run-command.ts";
import { recordFileVariable } from "./record-calls.ts";
import { readRecordedCalls } from "./recorded-call.ts";

const calls = fileURLToPath(new URL("calls-of-each-kind.ts", import.meta.url));
const recorder = new URL("record-calls.ts", import.meta.url).href;

it("calls of every client are written down, signed URLs among them, each kind once", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "drover-calls-"));
  const server = createServer((request, response) => {
    request.resume().on("end", () => response.writeHead(404).end());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = z.object({ port: z.number() }).parse(server.address());
  const endpoint = `http://127.0.0.1:${port}`;
  const file = join(directory.path, "calls");
  const { code, stderr } = await runCommand(process.execPath, [`--import=${recorder}`, calls, endpoint], {
    env: {
      PATH: process.env["PATH"],
      [recordFileVariable]: file,
      AWS_REGION: "eu-central-1",
      AWS_ACCESS_KEY_ID: "drover",
      AWS_SECRET_ACCESS_KEY: "drover",
      AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoint,
    },
  });
  server.close();
  expect(stderr).toBe("");
  expect(code).toBe(0);
  const recorded = readRecordedCalls(await readFile(file, "utf8"));
  expect(new Set(recorded.map(({ program }) => program))).toEqual(new Set(["calls-of-each-kind.ts"]));
  const printed = recorded.map(({ caller, service, operation, targets, missing }) =>
    [caller, service, operation, JSON.stringify(targets), ...(missing ? ["missing"] : [])].join(" "),
  );
  const object = (key: string) => JSON.stringify([{ bucket: "bucket", key }]);
  expect(printed.toSorted()).toEqual(
    [
      `drover-plan DynamoDB TransactWriteItems ${JSON.stringify([
        { part: "Update", table: "steps" },
        { part: "Put", table: "attempts" },
      ])}`,
      `drover-plan DynamoDB BatchWriteItem [{"table":"dependents"}]`,
      ` SQS SendMessageBatch [{"queue":"drover-fleet-events"}]`,
      `drover-runner SecretsManager GetSecretValue [{"secret":"drover/signing-key"}]`,
      `drover-api S3 CreateMultipartUpload ${object("nar/stream.nar")}`,
      `drover-api S3 PutObject ${object("nar/signed.nar")}`,
      `drover-api S3 GetObject ${object("nar/signed.nar")}`,
      `drover-api S3 HeadObject ${object("nar/absent.nar")}`,
      `drover-api S3 HeadObject ${object("nar/absent.nar")} missing`,
    ].toSorted(),
  );
});
