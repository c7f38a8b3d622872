import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Secrets } from "../../../cloud/ports/secrets.ts";
import { secretsManagerSecrets } from "../../../cloud/secrets/secrets-manager.ts";
import { generateSshIdentity } from "../../../cloud/secrets/ssh-identity.ts";
import { generateSigningKey, parseSecretKey } from "../../../nix/signing.ts";
import { type SecretsManagerServer, startSecretsManager } from "./secrets-manager-server.ts";

let server: SecretsManagerServer;
let client: SecretsManagerClient;
let secrets: Secrets;
beforeEach(async () => {
  server = await startSecretsManager();
  client = new SecretsManagerClient({
    endpoint: server.endpoint,
    region: "eu-central-1",
    credentials: { accessKeyId: "AKIA", secretAccessKey: "secret" },
    maxAttempts: 1,
  });
  secrets = secretsManagerSecrets(client, "team/drover");
});
afterEach(async () => {
  client.destroy();
  await server[Symbol.asyncDispose]();
});

describe("the deployment's own secrets", () => {
  it("are read by name, once, also by several at once", async () => {
    const { secret } = generateSigningKey("drover-1");
    server.secrets.set("team/drover/signing-key", secret);
    await Promise.all([secrets.read("signing-key"), secrets.read("signing-key")]);
    expect(parseSecretKey(await secrets.read("signing-key")).name).toBe("drover-1");
    expect(server.asked).toEqual(["team/drover/signing-key"]);
  });

  it("are missed with the command that makes them, and found once they are there", async () => {
    await expect(secrets.read("ssh-identity")).rejects.toMatchObject({
      code: "DROVER_SECRET_MISSING",
      subject: "team/drover/ssh-identity",
      remedy:
        "Create it: ssh-keygen -t ed25519 -N '' -f ssh-identity && " +
        "aws secretsmanager create-secret --name team/drover/ssh-identity --secret-string file://ssh-identity",
    });
    const identity = generateSshIdentity("drover");
    server.secrets.set("team/drover/ssh-identity", identity);
    expect(await secrets.read("ssh-identity")).toBe(identity);
  });
});

describe("identities that machines' lines name", () => {
  it("are the secrets of their paths, read anew each time", async () => {
    server.secrets.set("team/drover/ssh-identities/etc/nix/key_1.pem", "one\n");
    expect(await secrets.readIdentity("/etc/nix/key_1.pem")).toBe("one\n");
    server.secrets.set("team/drover/ssh-identities/etc/nix/key_1.pem", "two\n");
    expect(await secrets.readIdentity("/etc/nix/key_1.pem")).toBe("two\n");
  });

  it("may be kept as bytes", async () => {
    const identity = generateSshIdentity("drover");
    server.secrets.set("team/drover/ssh-identities/key", Buffer.from(identity));
    expect(await secrets.readIdentity("/key")).toBe(identity);
  });

  it("are missed with the command that uploads the file", async () => {
    await expect(secrets.readIdentity("/etc/nix/key")).rejects.toMatchObject({
      code: "DROVER_IDENTITY_MISSING",
      subject: "team/drover/ssh-identities/etc/nix/key",
      remedy:
        "Create it: aws secretsmanager create-secret --name team/drover/ssh-identities/etc/nix/key " +
        "--secret-string file:///etc/nix/key",
    });
  });

  it.each(["~/.ssh/id", "key", "/home/me/my key", "/home/mé/key", `/${"a".repeat(512)}`, ""])(
    "can not be the secret of %j, and nobody is asked for it",
    async (path) => {
      await expect(secrets.readIdentity(path)).rejects.toMatchObject({
        code: "DROVER_IDENTITY_MISSING",
        subject: path,
        remedy: expect.stringContaining("absolute path"),
      });
      expect(server.asked).toEqual([]);
    },
  );
});

describe("what AWS says", () => {
  const key = "team/drover/ssh-identities/key";
  const denial = "User: arn:aws:sts::1:assumed-role/runner is not authorized to perform: secretsmanager:GetSecretValue";

  it.each([
    ["AccessDeniedException", denial, "DROVER_SECRET_DENIED", "Allow secretsmanager:GetSecretValue"],
    ["DecryptionFailure", "Secrets Manager can't decrypt it", "DROVER_SECRET_DENIED", "kms:Decrypt"],
    [
      "InvalidRequestException",
      "You can't perform this operation on the secret because it was marked for deletion.",
      "DROVER_SECRET_MISSING",
      `aws secretsmanager restore-secret --secret-id ${key}`,
    ],
    ["InternalServiceError", "An error occurred on the server side.", "DROVER_SECRET_UNREADABLE", "Try again"],
  ])("%s becomes an error with its remedy: %s", async (error, message, code, remedy) => {
    server.secrets.set(key, { error, message });
    const failed = secrets.readIdentity("/key");
    await expect(failed).rejects.toMatchObject({ code, subject: key, remedy: expect.stringContaining(remedy) });
    await expect(failed).rejects.toMatchObject({ message: expect.stringContaining(key) });
  });

  it("shows a denial in AWS's own words, which name who was denied what", async () => {
    server.secrets.set("team/drover/signing-key", { error: "AccessDeniedException", message: denial });
    await expect(secrets.read("signing-key")).rejects.toMatchObject({ message: expect.stringContaining(denial) });
  });

  it("is nothing when it does not answer", async () => {
    await server[Symbol.asyncDispose]();
    await expect(secrets.read("signing-key")).rejects.toMatchObject({
      code: "DROVER_SECRET_UNREADABLE",
      message: expect.stringContaining("ECONNREFUSED"),
    });
    server = await startSecretsManager();
  });
});
