import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { type Configuration, parseConfiguration } from "../../cloud/configuration.ts";
import { dynamoDbClient } from "../../cloud/dynamodb/client.ts";
import { sqsClient } from "../../cloud/queues/sqs-client.ts";
import { queueName, tableName } from "../../cloud/topology/names.ts";
import { requestedInspection } from "../../lambdas/api/schema/inspections.ts";
import { newToken } from "../../lambdas/api/schema/tokens.ts";
import type { SecretsManagerServer } from "../cloud/secrets/secrets-manager-server.ts";
import { runCommand } from "../machines/run-command.ts";
import type { Stack } from "./stack.ts";

/**
 * Does each thing that can be done with a deployment, with no more asserted than that it works: what else there is to
 * say of it, the other end-to-end tests say.
 */
export async function useEverything(stack: Stack, secrets: SecretsManagerServer["secrets"]): Promise<void> {
  const environment = await environmentOf(stack);
  await giveSecrets(stack, secrets);
  await register(stack);
  await manageTokens(stack);
  const stuck = await stack.submit(await stack.instantiate("feature", { features: "nobody-has-it" }));
  const [, built] = await Promise.all([sendNonsense(environment), buildAll(stack)]);
  await readAll(stack, built, stuck);
  await recover(stack);
  await sweepCrashes(stack, environment, built);
  await unregister(stack);
}

/** The deployment's own, which its Secrets Manager lacks; machines' lines name the fleet's. */
async function giveSecrets({ directory, fleet }: Stack, secrets: SecretsManagerServer["secrets"]): Promise<void> {
  const own = join(directory, "service", "data", "secrets");
  const identity = await readFile(fleet.identityFile, "utf8");
  secrets.set("drover/signing-key", await readFile(join(own, "signing-key"), "utf8"));
  secrets.set("drover/ssh-identity", identity);
  secrets.set(`drover/ssh-identities${fleet.identityFile}`, identity);
}

/** One machine that has to be trusted first, and one with the deployment's own identity. */
function lines({ fleet }: Stack): string {
  const fields = (name: string) => fleet.machine(name).specLine().split(" ");
  return `${fields("itchy").with(7, "-").join(" ")}\n${fields("scratchy").with(2, "-").join(" ")}\n`;
}

function nameOf({ fleet }: Stack, name: string): string {
  const { user, host, port } = fleet.machine(name);
  return `${user}@${host}${port === 22 ? "" : `:${port}`}`;
}

async function run({ deployment }: Stack, args: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await deployment.drover(args, input === undefined ? {} : { input });
  if (code !== 0)
    throw new Error(`drover ${args.join(" ")} exited ${code}: ${stderr}${stdout}\n${deployment.output()}`);
  return stdout;
}

async function request(
  { deployment }: Stack,
  path: string,
  init?: { method: string; body?: object },
): Promise<unknown> {
  const { method = "GET", body } = init ?? {};
  const headers = { "content-type": "application/json" };
  const response = await deployment.api(path, {
    method,
    ...(body && { headers, body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  const text = await response.text();
  return response.headers.get("content-type")?.includes("json") === true ? JSON.parse(text) : text;
}

async function register(stack: Stack): Promise<void> {
  await run(stack, ["machines", "import", "-"], lines(stack));
  const { stdout } = await runCommand("ssh-keygen", ["-lf", stack.fleet.machine("itchy").hostKeyFile]);
  const fingerprint = /SHA256:\S+/.exec(stdout)?.[0] ?? "";
  await run(stack, ["machines", "trust", nameOf(stack, "itchy"), "--fingerprint", fingerprint]);
  await run(stack, ["machines", "ping", nameOf(stack, "scratchy")]);
  await run(stack, ["machines", "drain", nameOf(stack, "scratchy")]);
  await run(stack, ["machines", "enable", nameOf(stack, "scratchy")]);
  for (const path of ["machines", `machines/${encodeURIComponent(nameOf(stack, "itchy"))}`, "keys"]) {
    await request(stack, `/v1/${path}`);
  }
}

async function manageTokens(stack: Stack): Promise<void> {
  const body = { name: "ci", scopes: ["build:read"], expiresInDays: 1 };
  const { id } = newToken.parse(await request(stack, "/v1/tokens", { method: "POST", body }));
  await request(stack, "/v1/tokens");
  await request(stack, `/v1/tokens/${id}`, { method: "DELETE" });
}

/** @returns derivations that are built, the first of which has a log */
async function buildAll(stack: Stack): Promise<readonly string[]> {
  const failed = await stack.submit(await stack.instantiate("needsFailing"), ["--keep-going"]);
  const shared = await stack.instantiate("slow", { seconds: 2 });
  const sharing = [await stack.submit(shared), await stack.submit(shared)];
  const attributes = ["slow", "diamond", "upload", "multipleOutputs", "fixedOutput"] as const;
  const drvPaths = await Promise.all(attributes.map((attribute) => stack.instantiate(attribute, { seconds: 4 })));
  // More than one part of an upload.
  const all = [...drvPaths.flat(), ...(await stack.instantiate("big", { megabytes: 20 }))];
  // Whose build is followed, its logs are followed from the beginning.
  await run(stack, ["build", ...all]);
  await Promise.all([failed, ...sharing].map((id) => stack.finished(id)));
  // All of it is there already.
  await run(stack, ["build", ...all]);
  return all;
}

/** @returns a step of the build that has come to this state */
async function expectStep(stack: Stack, build: string, state: string): Promise<string> {
  for (const deadline = Date.now() + 20_000; ;) {
    const steps = await stack.steps(build);
    const found = steps.find((step) => step.state === state);
    if (found !== undefined) return found.step;
    if (Date.now() > deadline) throw new Error(`no step ${state}: ${JSON.stringify(steps)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function readAll(stack: Stack, [drvPath = "", ...others]: readonly string[], stuck: string): Promise<void> {
  const hash = (path: string) => path.slice("/nix/store/".length).slice(0, 32);
  const waiting = (await stack.steps(stuck))[0]?.step ?? "";
  const step = hash(drvPath);
  for (const path of [
    "/v1/builds",
    `/v1/builds/${stuck}`,
    `/v1/steps/${waiting}`,
    `/v1/steps/${step}`,
    `/v1/steps/${step}/log`,
  ]) {
    await request(stack, path);
  }
  await request(stack, "/cache/nix-cache-info");
  await request(stack, `/cache/log/${drvPath.slice("/nix/store/".length)}`);
  const narInfo = String(await request(stack, `/cache/${hash(others[0] ?? "")}.narinfo`));
  await request(stack, `/cache/${/^URL: (.*)$/m.exec(narInfo)?.[1] ?? ""}`);
  await request(stack, `/cache/${hash(drvPath)}.narinfo`, { method: "HEAD" });
  for (const missing of [`${"0".repeat(32)}.narinfo`, `log/${"0".repeat(32)}-x.drv`]) {
    const { status } = await stack.deployment.api(`/cache/${missing}`);
    if (status !== 404) throw new Error(`${missing} is there: ${status}`);
  }
}

type Environment = Readonly<Record<string, string>>;

/** The environment that the deployment has given its runner. */
async function environmentOf({ deployment }: Stack): Promise<Environment> {
  const text = await readFile(`/proc/${await deployment.runnerPid()}/environ`, "utf8");
  return Object.fromEntries(text.split("\0").flatMap((line) => [/^([^=]+)=(.*)$/s.exec(line)?.slice(1, 3) ?? []]));
}

/** Messages that are none: they are to come back soon. */
async function sendNonsense(environment: Environment): Promise<void> {
  const { DROVER_SQS_ENDPOINT, DROVER_QUEUE_URL_BASE } = parseConfiguration(environment);
  const client = sqsClient({ endpoint: DROVER_SQS_ENDPOINT });
  for (const queue of ["plans", "fleetEvents"] as const) {
    const QueueUrl = `${DROVER_QUEUE_URL_BASE}/${queueName("drover", queue)}`;
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: "nonsense" }));
  }
  client.destroy();
}

/** A machine loses its power with a step on it, is looked at again when it is back, and a runner is told to stop. */
async function recover(stack: Stack): Promise<void> {
  await run(stack, ["machines", "drain", nameOf(stack, "scratchy")]);
  const dying = await stack.submit(await stack.instantiate("slow", { seconds: 5 }));
  await expectStep(stack, dying, "assigned");
  await stack.fleet.machine("itchy").powerOff();
  await run(stack, ["machines", "enable", nameOf(stack, "scratchy")]);
  await stack.finished(dying);
  await stack.fleet.machine("itchy").powerOn();
  const stopped = await stack.submit(await stack.instantiate("slow", { seconds: 6 }));
  await expectStep(stack, stopped, "assigned");
  const runner = await stack.deployment.runnerPid();
  process.kill(runner, "SIGTERM");
  // A second one makes it give back what it does at once.
  await new Promise((resolve) => setTimeout(resolve, 500));
  process.kill(runner, "SIGTERM");
  await stack.finished(stopped);
}

/** What crashes between two writes leave, and lost messages; then a sweep, while no machine takes anything. */
async function sweepCrashes(stack: Stack, environment: Environment, built: readonly string[]): Promise<void> {
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

async function unregister(stack: Stack): Promise<void> {
  const path = `/v1/machines/${encodeURIComponent(nameOf(stack, "itchy"))}/inspections`;
  const { id } = requestedInspection.parse(await request(stack, path, { method: "POST" }));
  await request(stack, `${path}/${id}?wait=20`);
  const [itchy = ""] = lines(stack).split("\n");
  await run(stack, ["machines", "import", "-", "--prune"], itchy);
  await run(stack, ["machines", "remove", nameOf(stack, "itchy"), "--force"]);
}
