import { describe, expect, it } from "vitest";
import { isAllowed, type Statement } from "./matching.ts";

const blobs = "arn:aws:s3:::blobs";
const table = "arn:aws:dynamodb:eu-central-1:123456789012:table/drover-builds";
const allow = (actions: string[], resources: string[]): Statement => ({ effect: "Allow", actions, resources });
const upload = [allow(["s3:PutObject"], [`${blobs}/nar/*`, `${blobs}/*.narinfo`])];

describe("a role may do what a statement allows, and", () => {
  it("no other action on the same resource", () => {
    expect(isAllowed(upload, { action: "s3:PutObject", resource: `${blobs}/nar/a.nar` })).toBe(true);
    expect(isAllowed(upload, { action: "s3:GetObject", resource: `${blobs}/nar/a.nar` })).toBe(false);
    expect(isAllowed(upload, { action: "s3:PutObjectAcl", resource: `${blobs}/nar/a.nar` })).toBe(false);
  });

  it("nothing where the pattern of keys is too narrow", () => {
    expect(isAllowed(upload, { action: "s3:PutObject", resource: `${blobs}/log/a.drv` })).toBe(false);
    expect(isAllowed(upload, { action: "s3:PutObject", resource: `${blobs}/x/nar/a.nar` })).toBe(false);
    expect(isAllowed(upload, { action: "s3:PutObject", resource: "arn:aws:s3:::blobs-of-others/nar/a.nar" })).toBe(
      false,
    );
  });

  it("not the indexes of a table, nor the table by its index", () => {
    const index = `${table}/index/byAge`;
    expect(isAllowed([allow(["dynamodb:Query"], [table])], { action: "dynamodb:Query", resource: index })).toBe(false);
    expect(isAllowed([allow(["dynamodb:Query"], [index])], { action: "dynamodb:Query", resource: table })).toBe(false);
  });

  it("not by halves of two statements", () => {
    const halves = [allow(["dynamodb:GetItem"], [`${table}-2`]), allow(["dynamodb:Scan"], [table])];
    expect(isAllowed(halves, { action: "dynamodb:GetItem", resource: table })).toBe(false);
  });

  it("not what another statement denies", () => {
    const denied = [...upload, { ...allow(["s3:*"], [`${blobs}/nar/secret*`]), effect: "Deny" as const }];
    expect(isAllowed(denied, { action: "s3:PutObject", resource: `${blobs}/nar/a.nar` })).toBe(true);
    expect(isAllowed(denied, { action: "s3:PutObject", resource: `${blobs}/nar/secret.nar` })).toBe(false);
  });
});

it("wildcards stand for any characters, or for one; dots for themselves, and the case of actions for nothing", () => {
  const secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:drover/key";
  const read = [allow(["SecretsManager:getsecretvalue"], [`${secret}-??????`])];
  const action = "secretsmanager:GetSecretValue";
  expect(isAllowed(read, { action, resource: `${secret}-a1B2c3` })).toBe(true);
  expect(isAllowed(read, { action, resource: `${secret}-of-others-a1B2c3` })).toBe(false);
  expect(isAllowed([allow([action], ["*"])], { action, resource: secret })).toBe(true);
  const narInfos = [allow(["s3:GetObject"], [`${blobs}/*.narinfo`])];
  expect(isAllowed(narInfos, { action: "s3:GetObject", resource: `${blobs}/a-narinfo` })).toBe(false);
});
