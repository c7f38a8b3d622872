import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Deployment, startDeployment } from "./deployment.ts";

let deployment: Deployment;
let directory: string;
beforeAll(async () => {
  deployment = await startDeployment();
  directory = await mkdtemp(join(tmpdir(), "drover-keys-"));
});
afterAll(async () => {
  await deployment[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

test("the public halves of the deployment's keys are those of its secrets, and nothing of the secrets is shown", async () => {
  const { api, cloud } = deployment;
  const identity = await cloud.secrets.read("ssh-identity");
  const file = join(directory, "identity");
  await writeFile(file, identity, { mode: 0o600 });
  const ssh = (option: string) => execFileSync("ssh-keygen", [option, "-f", file], { encoding: "utf8" }).trim();
  const publicKey = ssh("-y");
  const [, fingerprint = ""] = ssh("-l").split(" ");
  const [name, pair = ""] = (await cloud.secrets.read("signing-key")).trim().split(":");
  expect(await api.json("getKeys")).toEqual({
    sshPublicKey: publicKey,
    sshFingerprint: fingerprint,
    authorizedKeysLine: `restrict,command="nix-store --serve --write" ${publicKey}`,
    cachePublicKey: `${name}:${Buffer.from(pair, "base64").subarray(32).toString("base64")}`,
  });
});
