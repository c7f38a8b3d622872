import { glob, readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { DroverError } from "../../../nix/drover-error.ts";
import { createApi } from "../../../lambdas/api/create-api.ts";
import { statusOfCode } from "../../../lambdas/api/problems/status.ts";
import type { LogFields } from "../../../lambdas/observability/log.ts";
import { silentLog } from "../../../lambdas/observability/log.ts";
import { noMeasurements } from "../../../lambdas/observability/measurements.ts";
import { authorized } from "../../../local/http/authorized.ts";
import { apiClient, expectProblem } from "./api-client.ts";

/** An api function whose stores can not be reached. */
function unconnected(error: () => unknown) {
  const logged: { message: string; fields: LogFields | undefined }[] = [];
  const measured: string[] = [];
  let attempts = 0;
  const handler = createApi({
    connect: async () => {
      attempts++;
      throw error();
    },
    log: { ...silentLog, error: (message, fields) => void logged.push({ message, fields }) },
    measurements: {
      ...noMeasurements,
      milliseconds: (name, _, by) => void measured.push(`${name} ${by?.["operation"]}`),
    },
  });
  const authorize = async () => ({ isAuthorized: true, context: { name: "somebody", scopes: "admin" } });
  return {
    api: apiClient(authorized({ api: handler, authorize }), "token"),
    logged,
    measured,
    attempts: () => attempts,
  };
}

describe("a service that fails", () => {
  test("tells the client an id and nothing else, and logs the cause under it", async () => {
    const { api, logged } = unconnected(() => new Error("the password is hunter2"));
    const answer = await api.call("listMachines");
    const problem = expectProblem(answer);
    expect(problem).toMatchObject({ status: 500, code: "DROVER_INTERNAL" });
    expect(answer.text).not.toContain("hunter2");
    expect(answer.text).not.toContain(".ts");
    expect(logged).toHaveLength(1);
    expect(logged[0]?.fields?.["requestId"]).toBe(problem.requestId);
    expect(logged[0]?.fields?.["error"]).toMatchObject({ message: "the password is hunter2" });
  });

  test("keeps its own configuration's errors to itself, too", async () => {
    const { api } = unconnected(() => new DroverError("DROVER_SECRET_MISSING", "/etc/secret is missing"));
    const problem = await api.problem("listMachines");
    expect(problem.code).toBe("DROVER_INTERNAL");
    expect(JSON.stringify(problem)).not.toContain("/etc/secret");
  });

  test("asks for patience when AWS does", async () => {
    const throttled = Object.assign(new Error("slow down"), { name: "ProvisionedThroughputExceededException" });
    const { api } = unconnected(() => throttled);
    const answer = await api.call("listMachines");
    expect(expectProblem(answer)).toMatchObject({ status: 503, code: "DROVER_BUSY" });
    expect(answer.headers["retry-after"]).toBe("2");
  });

  test("tries to connect again at the next request", async () => {
    const { api, attempts } = unconnected(() => new Error("no"));
    await api.call("listMachines");
    await api.call("listMachines");
    expect(attempts()).toBe(2);
  });

  test("has been through its middleware: every answer has an id, every request is measured", async () => {
    const { api, measured } = unconnected(() => new Error("no"));
    const answer = await api.call("getBuild", { path: { build: "x" } });
    expect(answer.headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
    expect(measured).toEqual(["RequestDuration getBuild"]);
  });
});

describe("what is not a route", () => {
  const { api } = unconnected(() => new Error("must not be reached"));

  test.each([
    ["GET", "/"],
    ["GET", "/v1"],
    ["GET", "/v2/machines"],
    ["GET", "/v1/machines/a/b"],
    ["DELETE", "/cache/nar/a/b"],
    ["GET", "/__proto__"],
  ])("%s %s is a 404 problem", async (method, path) => {
    const problem = expectProblem(await api.send(method, path));
    expect(problem).toMatchObject({ status: 404, code: "DROVER_ROUTE_UNKNOWN", subject: path });
    expect(problem.type).toBe("urn:drover:problem:route-unknown");
  });

  test.each([
    ["POST", "/v1/machines", "PUT, GET"],
    ["PUT", "/v1/machines/mac", "GET, PATCH, DELETE"],
    ["PUT", "/v1/builds/bld_1/steps", "GET"],
    ["HEAD", "/v1/health", "GET"],
    ["PUT", "/cache/nix-cache-info", "GET"],
    ["OPTIONS", "/cache/8zd6jz1p7gl91sgrk9q63pkbvm4jnnfs.narinfo", "GET, HEAD"],
  ])("%s %s is a 405 problem that says what goes", async (method, path, allow) => {
    const answer = await api.send(method, path);
    expect(expectProblem(answer)).toMatchObject({ status: 405, code: "DROVER_METHOD_NOT_ALLOWED" });
    expect(answer.headers["allow"]).toBe(allow);
  });
});

describe("the statuses of codes", () => {
  test("have one for every error that the api function throws itself, but for its own faults", async () => {
    const thrown = new Set<string>();
    for await (const file of glob("lambdas/api/**/*.ts")) {
      const source = await readFile(file, "utf8");
      for (const [, code = ""] of source.matchAll(/(?:DroverError|refusal)\(\s*"(DROVER_\w+)"/g)) thrown.add(code);
    }
    thrown.delete("DROVER_INTERNAL");
    expect(thrown.size).toBeGreaterThan(12);
    expect(Object.keys(statusOfCode)).toEqual(expect.arrayContaining([...thrown]));
  });

  test("are errors", () => {
    for (const [code, status] of Object.entries(statusOfCode)) {
      expect(code).toMatch(/^DROVER_[A-Z0-9]+(_[A-Z0-9]+)*$/);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(600);
    }
  });
});
