import { appendFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename } from "node:path";
import type { RecordedCall, Target } from "./recorded-call.ts";

/**
 * Preloaded into a process (`--import`), writes down every call of the AWS SDK, each kind once, to the file that the
 * environment names. It stands where the SDK turns a command into something that can be sent, which is also where it
 * signs URLs. SDKs that a bundle brings along are not seen.
 */
export const recordFileVariable = "RECORDED_AWS_CALLS";

/** What of the SDK's internals is used: `Command.resolveMiddlewareWithContext` of @smithy/core 3. */
type Handler = (request: { input: Readonly<Record<string, unknown>> }, ...rest: unknown[]) => Promise<unknown>;
interface Configuration {
  readonly userAgentAppId?: () => Promise<string | undefined>;
}
type Resolve = (
  this: unknown,
  stack: unknown,
  configuration: Configuration,
  options: unknown,
  context: { readonly clientName: string; readonly commandName: string },
) => Handler;
interface CommandClass {
  readonly Command: { readonly prototype: { resolveMiddlewareWithContext: Resolve } };
}

const clients = ["client-dynamodb", "client-s3", "client-secrets-manager", "client-sqs"];

const file = process.env[recordFileVariable];
if (file !== undefined) recordInto(file);

function recordInto(path: string): void {
  const written = new Set<string>();
  const program = basename(process.argv[1] ?? "");
  const record = (call: Omit<RecordedCall, "program">): void => {
    const line = JSON.stringify({ ...call, program });
    if (written.has(line)) return;
    written.add(line);
    // At once, since a test may kill the process.
    appendFileSync(path, `${line}\n`);
  };
  const { resolve } = createRequire(import.meta.url);
  // Each client's own copy of the SDK's core, which is the same one as long as npm finds versions that suit all.
  const cores = clients.map((client) => createRequire(resolve(`@aws-sdk/${client}`)).resolve("@smithy/core/client"));
  for (const core of new Set(cores)) wrap(createRequire(core)(core), record);
}

function wrap({ Command }: CommandClass, record: (call: Omit<RecordedCall, "program">) => void): void {
  const resolve = Command.prototype.resolveMiddlewareWithContext;
  Command.prototype.resolveMiddlewareWithContext = function resolveRecorded(stack, configuration, options, context) {
    const handler = resolve.call(this, stack, configuration, options, context);
    const service = context.clientName.replace(/Client$/, "");
    const operation = context.commandName.replace(/Command$/, "");
    return async (request, ...rest) => {
      const caller = (await configuration.userAgentAppId?.()) ?? null;
      const call = { caller, service, operation, targets: targetsOf(request.input) };
      record(call);
      try {
        return await handler(request, ...rest);
      } catch (error) {
        if (/^(Get|Head)Object$/.test(operation) && isAbsence(error)) record({ ...call, missing: true });
        throw error;
      }
    };
  };
}

function isAbsence(error: unknown): boolean {
  return error instanceof Error && /^(NoSuchKey|NotFound)$/.test(error.name);
}

function targetsOf(input: Readonly<Record<string, unknown>>): Target[] {
  const parts = input["TransactItems"];
  if (Array.isArray(parts)) {
    return parts.flatMap((each: object) => Object.entries(each).map(([part, item]) => ({ part, ...named(item) })));
  }
  const batch = input["RequestItems"];
  if (typeof batch === "object" && batch !== null) return Object.keys(batch).map((table) => ({ table }));
  const deleted = Object(input["Delete"])["Objects"];
  if (Array.isArray(deleted)) return deleted.map(({ Key }: { Key: unknown }) => named({ ...input, Key }));
  return [named(input)];
}

function named(input: Readonly<Record<string, unknown>>): Target {
  const text = (name: string) => (typeof input[name] === "string" ? input[name] : undefined);
  // Of DynamoDB, Key is an object.
  return {
    table: text("TableName"),
    index: text("IndexName"),
    queue: text("QueueUrl")?.replace(/^.*\//, "") ?? text("QueueName"),
    bucket: text("Bucket"),
    key: text("Key"),
    secret: text("SecretId"),
  };
}
