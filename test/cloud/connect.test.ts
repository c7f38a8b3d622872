import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { parseConfiguration } from "../../cloud/configuration.ts";
import { startSecretsManager } from "./secrets/secrets-manager-server.ts";

const connecting = `
  const loaded = new Set();
  (await import("node:module")).registerHooks({
    resolve(specifier, context, next) {
      loaded.add(specifier);
      return next(specifier, context);
    },
  });
  const { connectCloud } = await import(${JSON.stringify(new URL("../../cloud/connect.ts", import.meta.url).href)});
  const { parseConfiguration } = await import(${JSON.stringify(new URL("../../cloud/configuration.ts", import.meta.url).href)});
  await using cloud = await connectCloud(parseConfiguration(process.env));
  const secret = await cloud.secrets.read("ssh-identity").catch(({ code }) => code);
  console.log(JSON.stringify({ secret, loaded: loaded.has("@aws-sdk/client-secrets-manager") }));
`;

/** Connects in a process of its own, which has loaded nothing yet. */
async function connect(settings: Record<string, string>): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", connecting], {
    env: {
      PATH: process.env["PATH"],
      DROVER_QUEUE_URL_BASE: "http://127.0.0.1:9",
      DROVER_BLOBS: "s3://bucket",
      AWS_REGION: "eu-central-1",
      AWS_ACCESS_KEY_ID: "AKIA",
      AWS_SECRET_ACCESS_KEY: "secret",
      ...settings,
    },
  });
  return JSON.parse(stdout);
}

test("secrets in Secrets Manager are read from there", async () => {
  await using server = await startSecretsManager();
  server.secrets.set("drover/ssh-identity", "the key");
  const AWS_ENDPOINT_URL_SECRETS_MANAGER = server.endpoint;
  const settings = { DROVER_SECRETS: "secretsmanager://drover", AWS_ENDPOINT_URL_SECRETS_MANAGER };
  expect(await connect(settings)).toEqual({ secret: "the key", loaded: true });
});

test("where secrets are files, nobody waits for the SDK of Secrets Manager to be loaded", async () => {
  expect(await connect({ DROVER_SECRETS: "file:///nowhere" })).toEqual({
    secret: "DROVER_SECRET_MISSING",
    loaded: false,
  });
});

test.each([
  "secretsmanager://",
  "secretsmanager:///drover",
  "secretsmanager://a b",
  "secretsmanager://a/",
  "vault://x",
])("%s is no place for secrets", (DROVER_SECRETS) => {
  const settings = { DROVER_QUEUE_URL_BASE: "http://127.0.0.1:9", DROVER_BLOBS: "s3://bucket", DROVER_SECRETS };
  expect(() => parseConfiguration(settings)).toThrow("must be secretsmanager://PREFIX or file:///DIRECTORY");
});
