import { createServer } from "node:http";
import { once } from "node:events";
import { json } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { answerCloudFormation } from "../../../lambdas/make-keys/custom-resource.ts";
import { makeKeys } from "../../../lambdas/make-keys/make-keys.ts";
import { parseSecretKey } from "../../../nix/signing.ts";

const names = { deployment: "drover", signingKey: "a", sshIdentity: "b" };

function memory() {
  const values = new Map<string, string>();
  const secrets = {
    read: async (id: string) => values.get(id),
    write: async (id: string, value: string) => {
      values.set(id, value);
    },
  };
  return { values, secrets };
}

describe("making keys", () => {
  it("makes both and tells their public halves only", async () => {
    const { values, secrets } = memory();
    const made = await makeKeys(secrets, names);
    expect(made.sshPublicKey).toMatch(/^ssh-ed25519 AAAA[A-Za-z0-9+/]+ drover$/);
    expect(made.cachePublicKey).toMatch(/^drover-1:[A-Za-z0-9+/]{43}=$/);
    expect(parseSecretKey(values.get("a") ?? "").publicKey).toBe(made.cachePublicKey);
    expect(values.get("b")).toContain("BEGIN OPENSSH PRIVATE KEY");
  });

  it("leaves what is there as it is", async () => {
    const { values, secrets } = memory();
    const first = await makeKeys(secrets, names);
    const kept = new Map(values);
    expect(await makeKeys(secrets, names)).toEqual(first);
    expect(values).toEqual(kept);
  });
});

describe("CloudFormation is answered", () => {
  it("with the attributes, and the same physical id ever after", async () => {
    expect(await answerTo({ RequestType: "Create" }, async () => ({ key: "value" }))).toEqual({
      StackId: "stack",
      RequestId: "request",
      LogicalResourceId: "Keys",
      PhysicalResourceId: "Keys",
      Status: "SUCCESS",
      Data: { key: "value" },
    });
    const update = { RequestType: "Update", PhysicalResourceId: "other" };
    expect(await answerTo(update, async () => ({}))).toMatchObject({ PhysicalResourceId: "other" });
  });

  it("with why it failed", async () => {
    const failing = async () => {
      throw new Error("AWS says no");
    };
    expect(await answerTo({ RequestType: "Create" }, failing)).toMatchObject({
      Status: "FAILED",
      Reason: "AWS says no",
    });
  });

  it("that a deletion succeeded, without touching a key", async () => {
    const never = async () => {
      throw new Error("must not be called");
    };
    const deletion = { RequestType: "Delete", PhysicalResourceId: "Keys" };
    expect(await answerTo(deletion, never)).toMatchObject({ Status: "SUCCESS", Data: {} });
  });
});

/** What CloudFormation's URL is sent, which must have no content type. */
async function answerTo(event: Record<string, unknown>, make: () => Promise<Record<string, string>>): Promise<unknown> {
  const received = Promise.withResolvers<unknown>();
  const server = createServer((request, response) => {
    expect([request.method, request.headers["content-type"] ?? ""]).toEqual(["PUT", ""]);
    response.end();
    json(request).then(received.resolve, received.reject);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const ResponseURL = `http://127.0.0.1:${address.port}/answer`;
    const common = { StackId: "stack", RequestId: "request", LogicalResourceId: "Keys", ResourceProperties: {} };
    await answerCloudFormation({ ...common, ResponseURL, ...event }, make);
    return await received.promise;
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
