import { readFile } from "node:fs/promises";
import { beforeEach, describe, expect, it } from "vitest";
import { queueName, tableName } from "../../../cloud/topology/names.ts";
import { objectArn, queueArn, secretArn, tableArn } from "./arns.ts";
import { grants, notAllowed, printGrant, unused } from "./judging.ts";
import type { RecordedCall, Target } from "./recorded-call.ts";
import { rolePolicies } from "./role-policies.ts";

const text = await readFile(new URL("../fixtures/drover.template.json", import.meta.url), "utf8");
let template: { Resources: Record<string, { Type: string; Properties: Record<string, unknown> }> };
beforeEach(() => {
  template = JSON.parse(text);
});

/** The plan function's policy, to be changed. */
function planPolicy() {
  const found = Object.entries(template.Resources).find(([id]) => id.startsWith("RoleplanDefaultPolicy"));
  const document = Object(found?.[1].Properties["PolicyDocument"]);
  const statements: Record<string, unknown>[] = document.Statement;
  return statements;
}

function call(
  caller: string | null,
  operation: string,
  target: Target,
  more: Partial<RecordedCall> = {},
): RecordedCall {
  const [service = "", name = ""] = operation.split(" ");
  return { caller, program: "up.ts", service, operation: name, targets: [target], ...more };
}

describe("of the template", () => {
  it("every role is found by who takes it, with ARNs in full", () => {
    const policies = rolePolicies(template);
    const everyone = ["api", "authorize", "plan", "schedule", "sweep", "make-keys", "runner", "runner-start"];
    expect([...policies.keys()].toSorted()).toEqual(everyone.map((name) => `drover-${name}`).toSorted());
    const plan = grants(policies).filter(({ role }) => role === "drover-plan");
    const printed = plan.map(({ action, resource }) => `${action} ${resource}`);
    expect(printed).toContain(`dynamodb:Query ${tableArn(tableName("drover", "buildSteps"))}/index/unplanned`);
    expect(printed).toContain(`sqs:SendMessage ${queueArn(queueName("drover", "fleetEvents"))}`);
    expect(printed).toContain(`s3:GetObject ${objectArn("nar/*")}`);
  });

  it("what the evaluation knows nothing of is an error, not an oversight", () => {
    planPolicy().push({ Effect: "Allow", Action: "s3:GetObject", Resource: "*", Condition: { Bool: {} } });
    expect(() => rolePolicies(template)).toThrow(/Condition/);
    planPolicy().splice(-1, 1, { Effect: "Allow", NotAction: "s3:GetObject", Resource: "*" });
    expect(() => rolePolicies(template)).toThrow(/NotAction/);
    planPolicy().splice(-1, 1, { Effect: "Allow", Action: "s3:GetObject", Resource: { "Fn::ImportValue": "x" } });
    expect(() => rolePolicies(template)).toThrow(/ImportValue/);
    planPolicy().pop();
    const role = Object.values(template.Resources).find(({ Type }) => Type === "AWS::IAM::Role");
    Object.assign(role?.Properties ?? {}, { ManagedPolicyArns: ["arn:aws:iam::aws:policy/AdministratorAccess"] });
    expect(() => rolePolicies(template)).toThrow(/ManagedPolicyArns/);
  });
});

describe("calls are judged by the role of who calls:", () => {
  const judged = (calls: RecordedCall[]) => notAllowed(rolePolicies(template), calls).map(printGrant);

  it("an action that nobody has granted is found, and so is one that somebody has taken away", () => {
    const read = call("drover-plan", "DynamoDB GetItem", { table: "drover-builds" });
    expect(judged([read])).toEqual([]);
    expect(judged([{ ...read, caller: "drover-authorize" }])).toEqual([
      `drover-authorize dynamodb:GetItem ${tableArn("drover-builds")}`,
    ]);
    expect(judged([{ ...read, caller: "drover-nobody" }])).toHaveLength(1);
    const statements = planPolicy();
    const without = statements.filter(({ Action }) => !JSON.stringify(Action).includes("dynamodb:GetItem"));
    statements.splice(0, Infinity, ...without);
    expect(judged([read])).toHaveLength(1);
  });

  it("each part of a transaction or of a batch counts", () => {
    const targets = [
      { part: "Update", table: "drover-builds" },
      { part: "ConditionCheck", table: "drover-builds" },
      { part: "Delete", table: "drover-machines" },
    ];
    expect(judged([call("drover-plan", "DynamoDB TransactWriteItems", {}, { targets })])).toEqual([
      `drover-plan dynamodb:ConditionCheckItem ${tableArn("drover-builds")}`,
      `drover-plan dynamodb:DeleteItem ${tableArn("drover-machines")}`,
    ]);
  });

  it("of an object that is not there, only those hear so who may list", () => {
    const get = call("drover-api", "S3 GetObject", { bucket: "bucket", key: "nar/a.nar" }, { missing: true });
    expect(judged([get])).toEqual([]);
    expect(judged([{ ...get, caller: "drover-make-keys" }]).join()).toContain("s3:ListBucket");
  });

  it("a secret's name is one with a suffix of AWS's", () => {
    const read = (secret: string) => call("drover-runner", "SecretsManager GetSecretValue", { secret });
    expect(judged([read("drover/ssh-identity"), read("drover/ssh-identities/root/.ssh/id")])).toEqual([]);
    expect(judged([read("drover/other")])).toEqual([
      `drover-runner secretsmanager:GetSecretValue ${secretArn("drover/other")}`,
    ]);
  });

  it("what was granted and not used is listed", () => {
    const calls = [call("drover-authorize", "DynamoDB GetItem", { table: "drover-tokens" })];
    const left = unused(rolePolicies(template), calls).filter(({ role }) => role === "drover-authorize");
    const printed = left.map(({ action }) => action);
    expect(printed).toContain("dynamodb:UpdateItem");
    expect(printed).not.toContain("dynamodb:GetItem");
  });

  it("an operation that nobody has looked up, or a caller that does not say who it is, is an error", () => {
    expect(() => judged([call("drover-api", "DynamoDB ExecuteStatement", {})])).toThrow(/ExecuteStatement/);
    expect(() => judged([call(null, "SQS SendMessage", { queue: "q" }, { program: "main.ts" })])).toThrow(/main.ts/);
    expect(judged([call(null, "DynamoDB CreateTable", { table: "drover-builds" })])).toEqual([]);
  });
});
