import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseNarInfo, parseNixCacheInfo } from "../../../nix/narinfo.ts";
import { storePathHash } from "../../../nix/store-path.ts";
import { type Deployment, freshHash, startDeployment, token } from "./deployment.ts";
import { expectProblem } from "./api-client.ts";
import { textObject, upload } from "./store-objects.ts";

let deployment: Deployment;
beforeAll(async () => {
  deployment = await startDeployment();
});
afterAll(() => deployment[Symbol.asyncDispose]());

const missing = async (paths: string[]): Promise<unknown> =>
  deployment.api.json("queryMissingPaths", { body: { paths } });

describe("uploading", () => {
  test("makes paths present, and readable by Nix", async () => {
    const leaf = await textObject("leaf", "hello");
    const root = await textObject("root.drv", "world", [leaf.description.storePath]);
    const paths = [root.description.storePath, leaf.description.storePath];
    expect(await missing([...paths, ...paths])).toEqual({ missing: paths });
    await upload(deployment, [root, leaf]);
    expect(await missing(paths)).toEqual({ missing: [] });

    const narinfo = `${storePathHash(root.description.storePath)}.narinfo`;
    const answer = await deployment.api.call("getNarInfo", { path: { narinfo } });
    expect(answer).toMatchObject({ status: 200, headers: { "content-type": "text/x-nix-narinfo" } });
    const info = parseNarInfo(answer.text);
    expect(info).toMatchObject({
      storePath: root.description.storePath,
      narHash: root.description.narHash,
      references: [leaf.description.storePath],
      ca: root.description.ca,
      signatures: [expect.stringMatching(/^drover-1:/)],
    });
    expect(await deployment.api.call("headNarInfo", { path: { narinfo } })).toMatchObject({ status: 200, text: "" });

    const file = info.url.replace(/^nar\//, "");
    const redirect = await deployment.api.call("getCacheNar", { path: { file } });
    expect(redirect.status).toBe(302);
    const download = await fetch(String(redirect.headers["location"]));
    expect(download.status).toBe(200);
    expect(Buffer.from(await download.arrayBuffer()).length).toBeGreaterThan(0);
  });

  test("is refused while the NAR has not arrived", async () => {
    const { description } = await textObject("never-sent", "x");
    const problem = await deployment.api.problem("registerPaths", { body: { paths: [description] } });
    expect(problem).toMatchObject({ status: 422, code: "DROVER_UPLOAD_MISSING" });
    expect(await missing([description.storePath])).toEqual({ missing: [description.storePath] });
  });

  test("is refused while a reference is missing, and says which", async () => {
    const absent = `/nix/store/${freshHash()}-absent`;
    const object = await textObject("needs-absent", "x", [absent]);
    const failure = await upload(deployment, [object]).catch((error: unknown) => String(error));
    expect(failure).toContain("DROVER_REFERENCE_MISSING");
    expect(failure).toContain(absent);
  });

  test("is refused for a path that its contents do not make", async () => {
    const honest = await textObject("honest", "x");
    const other = await textObject("other", "y");
    const lie = { ...honest, description: { ...honest.description, storePath: other.description.storePath } };
    const failure = await upload(deployment, [lie]).catch((error: unknown) => String(error));
    expect(failure).toContain("DROVER_CONTENT_ADDRESS");
  });

  test("names the field that is wrong", async () => {
    const { description } = await textObject("fields", "x");
    const paths = [description, { ...description, narSize: -1, nraHash: "x", references: ["/tmp/x"] }];
    const problem = await deployment.api.problem("signUploads", { body: { paths } });
    expect(problem).toMatchObject({ status: 400, code: "DROVER_REQUEST_INVALID" });
    expect(problem.errors?.map(({ pointer }) => pointer).toSorted()).toEqual([
      "/paths/1/narSize",
      "/paths/1/nraHash",
      "/paths/1/references/0",
    ]);
  });

  test("refuses a hash that is none", async () => {
    const { description } = await textObject("bad-hash", "x");
    const problem = await deployment.api.problem("signUploads", {
      body: { paths: [{ ...description, narHash: "x" }] },
    });
    expect(problem.status).toBe(422);
  });

  test("has limits", async () => {
    const paths = Array.from({ length: 10_001 }, () => `/nix/store/${"0".repeat(32)}-x`);
    expect(await deployment.api.problem("queryMissingPaths", { body: { paths } })).toMatchObject({ status: 400 });
    const body = '{"paths": [';
    const broken = await deployment.api.problem("queryMissingPaths", {
      body,
      headers: { "content-type": "application/json" },
    });
    expect(broken).toMatchObject({ status: 400, code: "DROVER_BODY_NOT_JSON" });
  });
});

async function leaveLog(bytes: Uint8Array): Promise<string> {
  const drv = `${freshHash()}-logged.drv`;
  const drvPath = `/nix/store/${drv}`;
  const writer = deployment.cloud.logs.open({ step: storePathHash(drvPath), number: 1, drvPath });
  writer.write(bytes);
  await writer.end(true);
  return drv;
}

describe("the cache for Nix", () => {
  const netrc = { authorization: `Basic ${Buffer.from(`drover:${token}`).toString("base64")}` };

  test("says what it is, to whoever has the token as a password", async () => {
    const answer = await deployment.api.send("GET", "/cache/nix-cache-info", { headers: netrc });
    expect(answer.status).toBe(200);
    expect(parseNixCacheInfo(answer.text)).toEqual({ storeDirectory: "/nix/store", wantMassQuery: true, priority: 30 });
    const refused = await deployment.api.send("GET", "/cache/nix-cache-info");
    expect(expectProblem(refused).code).toBe("DROVER_TOKEN_MISSING");
    expect(refused.headers["www-authenticate"]).toMatch(/^Basic /);
  });

  test.each([
    `/cache/${"0".repeat(32)}.narinfo`,
    "/cache/nonsense.narinfo",
    "/cache/..narinfo",
    "/cache/nar/..%2F..%2Fsecret",
    `/cache/log/${"0".repeat(32)}-x.drv`,
    "/cache/log/x",
  ])("answers a plain 404 for %s", async (path) => {
    const answer = await deployment.api.send("GET", path, { headers: netrc });
    expect(answer.status).toBe(404);
    expect(answer.headers["content-type"]).toMatch(/^text\/plain/);
  });

  test("answers HEAD without a body", async () => {
    const answer = await deployment.api.send("HEAD", `/cache/${"0".repeat(32)}.narinfo`, { headers: netrc });
    expect(answer).toMatchObject({ status: 404, text: "" });
  });

  test("has the logs that verdicts left, byte for byte", async () => {
    const bytes = Buffer.from("\u001b[1mbold\u001b[0m\n\u00ff\u00fe raw\n", "latin1");
    const answer = await deployment.api.call("getCacheLog", { path: { drv: await leaveLog(bytes) } });
    expect(answer.status).toBe(200);
    expect(answer.headers["content-type"]).toBe("text/plain; charset=utf-8");
    expect(answer.bytes.equals(bytes)).toBe(true);
  });

  test("redirects to a log that is too long for an answer", async () => {
    const bytes = Buffer.alloc(5 * 1024 * 1024, "x");
    const answer = await deployment.api.call("getCacheLog", { path: { drv: await leaveLog(bytes) } });
    expect(answer.status).toBe(302);
    const response = await fetch(String(answer.headers["location"]));
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
  });
});
