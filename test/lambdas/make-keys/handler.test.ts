import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { answerCloudFormation } from "../../../lambdas/make-keys/custom-resource.ts";
import { parseSecretKey } from "../../../nix/signing.ts";
import { type SecretsOfTheStack, startSecretsOfTheStack } from "./secrets-of-the-stack.ts";

const signingKey = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:drover/signing-key-AbCdEf";
const sshIdentity = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:drover/ssh-identity-GhIjKl";

let secrets: SecretsOfTheStack;
let cloudFormation: Awaited<ReturnType<typeof startCloudFormation>>;
let handler: (event: unknown) => Promise<void>;

beforeEach(async () => {
  secrets = await startSecretsOfTheStack([signingKey, sshIdentity]);
  cloudFormation = await startCloudFormation();
  vi.stubEnv("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets.endpoint);
  vi.stubEnv("AWS_REGION", "eu-central-1");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "drover");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "drover");
  // A function has its environment before its code.
  vi.resetModules();
  ({ handler } = await import("../../../lambdas/make-keys/handler.ts"));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await secrets[Symbol.asyncDispose]();
  await cloudFormation[Symbol.asyncDispose]();
});

/** As CloudFormation sends it (user guide, "Custom resource request objects"). */
function request(RequestType: "Create" | "Update" | "Delete", properties: Record<string, unknown> = {}): object {
  return {
    RequestType,
    ServiceToken: "arn:aws:lambda:eu-central-1:111122223333:function:drover-make-keys",
    ResponseURL: cloudFormation.url,
    StackId: "arn:aws:cloudformation:eu-central-1:111122223333:stack/drover/guid",
    RequestId: `unique-${RequestType}`,
    ResourceType: "Custom::DroverKeys",
    LogicalResourceId: "Keys",
    ...(RequestType !== "Create" && { PhysicalResourceId: "Keys" }),
    ResourceProperties: {
      ServiceToken: "…",
      ServiceTimeout: "300",
      deployment: "drover",
      signingKey,
      sshIdentity,
      ...properties,
    },
    ...(RequestType === "Update" && { OldResourceProperties: { deployment: "drover", signingKey, sshIdentity } }),
  };
}

describe("the function that makes the keys", () => {
  it("fills the stack's empty secrets, and answers with public halves only", async () => {
    await handler(request("Create"));
    expect(cloudFormation.answers).toEqual([
      {
        Status: "SUCCESS",
        StackId: "arn:aws:cloudformation:eu-central-1:111122223333:stack/drover/guid",
        RequestId: "unique-Create",
        LogicalResourceId: "Keys",
        PhysicalResourceId: "Keys",
        Data: {
          cachePublicKey: parseSecretKey(secrets.values.get(signingKey) ?? "").publicKey,
          sshPublicKey: expect.stringMatching(/^ssh-ed25519 \S+ drover$/),
        },
      },
    ]);
    expect(secrets.values.get(sshIdentity)).toContain("BEGIN OPENSSH PRIVATE KEY");
    expect(secrets.written).toEqual([signingKey, sshIdentity]);
  });

  it("keeps the keys in an update, and tells the same of them", async () => {
    await handler(request("Create"));
    const made = new Map(secrets.values);
    await handler(request("Update"));
    expect(secrets.values).toEqual(made);
    expect(secrets.written).toHaveLength(2);
    const [created, updated] = cloudFormation.answers;
    expect(updated).toMatchObject({ Status: "SUCCESS", RequestId: "unique-Update", PhysicalResourceId: "Keys" });
    expect(Object(updated).Data).toEqual(Object(created).Data);
  });

  it("makes the second key when it was interrupted after the first", async () => {
    await handler(request("Create"));
    const first = secrets.values.get(signingKey);
    secrets.values.set(sshIdentity, undefined);
    await handler(request("Create"));
    expect(secrets.values.get(signingKey)).toBe(first);
    expect(secrets.written).toEqual([signingKey, sshIdentity, sshIdentity]);
  });

  it("leaves the keys when the stack goes", async () => {
    await handler(request("Create"));
    const made = new Map(secrets.values);
    await handler(request("Delete"));
    expect(secrets.values).toEqual(made);
    expect(cloudFormation.answers.at(-1)).toMatchObject({ Status: "SUCCESS", RequestId: "unique-Delete", Data: {} });
  });

  it("says why it failed, in an answer that CloudFormation takes", async () => {
    const denied = "User: x is not authorized to perform: secretsmanager:GetSecretValue ".repeat(100);
    secrets.trouble = { type: "AccessDeniedException", message: denied };
    await handler(request("Create"));
    const [answer] = cloudFormation.answers;
    expect(answer).toMatchObject({ Status: "FAILED", PhysicalResourceId: "Keys" });
    expect(Object(answer).Reason).toContain("is not authorized to perform: secretsmanager:GetSecretValue");
  });

  it("fails where a secret is not there at all, or is going to be deleted", async () => {
    await handler(request("Create", { signingKey: "arn:of-nothing" }));
    expect(cloudFormation.answers.at(-1)).toMatchObject({
      Status: "FAILED",
      Reason: expect.stringContaining("can't find the specified secret"),
    });
    const scheduled = "You can't perform this operation on the secret because it was marked for deletion.";
    secrets.trouble = { type: "InvalidRequestException", message: scheduled };
    await handler(request("Create"));
    expect(cloudFormation.answers.at(-1)).toMatchObject({ Status: "FAILED", Reason: scheduled });
  });

  it("fails where its properties are not what it knows", async () => {
    await handler(request("Create", { deployment: 7 }));
    expect(cloudFormation.answers).toMatchObject([{ Status: "FAILED", Reason: expect.stringContaining("deployment") }]);
  });

  it("is invoked again by Lambda when CloudFormation does not take the answer", async () => {
    cloudFormation.status = 403;
    await expect(handler(request("Create"))).rejects.toThrow("HTTP 403");
    cloudFormation.status = 200;
    await handler(request("Create"));
    expect(secrets.written).toHaveLength(2);
    expect(cloudFormation.answers.at(-1)).toMatchObject({ Status: "SUCCESS" });
  });
});

it("CloudFormation is told when the work hangs, before the function's time is over", async () => {
  const started = performance.now();
  await answerCloudFormation(request("Create"), () => new Promise(() => {}), { limit: 50 });
  expect(performance.now() - started).toBeLessThan(5_000);
  expect(cloudFormation.answers).toMatchObject([{ Status: "FAILED", Reason: expect.stringContaining("0.05 s") }]);
});

/** The signed URL of a request: it takes one PUT without a content type, of 4096 bytes at most. */
async function startCloudFormation() {
  const answers: unknown[] = [];
  const server = createServer((incoming, response) => {
    void (async () => {
      const body = await text(incoming);
      const isTaken =
        incoming.method === "PUT" && (incoming.headers["content-type"] ?? "") === "" && body.length <= 4096;
      if (isTaken && standIn.status === 200) answers.push(JSON.parse(body));
      response.writeHead(isTaken ? standIn.status : 403).end();
    })();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = z.object({ port: z.number() }).parse(server.address());
  const standIn = {
    url: `http://127.0.0.1:${port}/arn%3Aaws%3Acloudformation?X-Amz-Signature=x`,
    answers,
    status: 200,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return standIn;
}
