import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { type Configuration, parseConfiguration } from "../../cloud/configuration.ts";
import { dynamoDbClient } from "../../cloud/dynamodb/client.ts";
import { sqsClient } from "../../cloud/queues/sqs-client.ts";
import { queueName, tableName } from "../../cloud/topology/names.ts";
import { runCommand } from "../machines/run-command.ts";
import { expectStep, nameOf, request, run } from "./commands.ts";
import type { Stack } from "./stack.ts";

type Environment = Readonly<Record<string, string>>;

/** The environment that the deployment has given its runner. */
export async function environmentOf({ deployment }: Stack): Promise<Environment> {
  const text = await readFile(`/proc/${await deployment.runnerPid()}/environ`, "utf8");
  return Object.fromEntries(text.split("\0").flatMap((line) => [/^([^=]+)=(.*)$/s.exec(line)?.slice(1, 3) ?? []]));
}

/** Messages that are none: they are to come back soon. */
export async function sendNonsense(environment: Environment): Promise<void> {
  const { DROVER_SQS_ENDPOINT, DROVER_QUEUE_URL_BASE } = parseConfiguration(environment);
  const client = sqsClient({ endpoint: DROVER_SQS_ENDPOINT });
  for (const queue of ["plans", "fleetEvents"] as const) {
    const QueueUrl = `${DROVER_QUEUE_URL_BASE}/${queueName("drover", queue)}`;
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: "nonsense" }));
  }
  client.destroy();
}

/** What crashes between two writes leave, and lost messages; then a sweep, while no machine takes anything. */
export async function sweepCrashes(stack: Stack, environment: Environment, built: readonly string[]): Promise<void> {
  const configuration = parseConfiguration(environment);
  const salt = `${Date.now()}-swept`;
  await stack.finished(await stack.submit(await stack.instantiate("chain", { length: 0, salt })));
  await run(stack, ["machines", "drain", nameOf(stack, "scratchy")]);
  // Runs on until its machine is removed.
  const running = await stack.submit(await stack.instantiate("slow", { seconds: 60 }));
  await expectStep(stack, running, "assigned");
  await run(stack, ["machines", "drain", nameOf(stack, "itchy")]);

  const waiting = await stack.submit(await stack.instantiate("chain", { length: 2 }));
  await request(stack, `/v1/steps/${await expectStep(stack, waiting, "waiting")}`);

  // Its last dependency was taken off, and then nobody made it ready.
  const making = await stack.submit(await stack.instantiate("chain", { length: 1, salt }));
  const step = await expectStep(stack, making, "ready");
  await change(configuration, "steps", step, { state: "waiting", remove: ["readyClass", "readyRank", "readySince"] });
  // Its last target was taken off, and then nobody ended it.
  const ending = await stack.submit(await stack.instantiate("trivial"));
  await expectStep(stack, ending, "ready");
  await change(configuration, "builds", ending, { state: "building", remove: ["waitingOn"] });
  // Its plan message was lost.
  const planning = await stack.submit(built);
  await stack.finished(planning);
  await change(configuration, "builds", planning, { state: "planning", remove: ["finishedAt"] });

  const script = fileURLToPath(new URL("sweep-later.ts", import.meta.url));
  const { code, stderr } = await runCommand(process.execPath, [script], { env: { ...environment } });
  if (code !== 0) throw new Error(`the sweep failed: ${stderr}`);
  await run(stack, ["machines", "enable", nameOf(stack, "scratchy")]);
  await Promise.all([waiting, making, ending, planning].map((id) => stack.finished(id)));
}

/** Writes what a function does not write alone. */
async function change(
  { DROVER_DYNAMODB_ENDPOINT, DROVER_NAME }: Configuration,
  table: "steps" | "builds",
  id: string,
  { state, remove }: { readonly state: string; readonly remove: readonly string[] },
): Promise<void> {
  const client = dynamoDbClient({ endpoint: DROVER_DYNAMODB_ENDPOINT });
  const update = new UpdateCommand({
    TableName: tableName(DROVER_NAME, table),
    Key: { id },
    UpdateExpression: `SET #state = :state, unfinished = :state REMOVE ${remove.join(", ")}`,
    ExpressionAttributeNames: { "#state": "state" },
    ExpressionAttributeValues: { ":state": state },
  });
  await client.send(update);
  client.destroy();
}
