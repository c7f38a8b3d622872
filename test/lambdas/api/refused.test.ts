import { expect, test } from "vitest";
import { createApi } from "../../../lambdas/api/create-api.ts";
import { silentLog } from "../../../lambdas/observability/log.ts";
import { noMeasurements } from "../../../lambdas/observability/measurements.ts";
import { authorized } from "../../../local/http/authorized.ts";
import { apiClient } from "./api-client.ts";

test("what a token is not good for is counted as refused, and nothing else is", async () => {
  const counted: unknown[] = [];
  const handler = createApi({
    connect: async () => {
      throw new Error("no");
    },
    log: silentLog,
    measurements: { ...noMeasurements, count: (...figure) => void counted.push(figure) },
  });
  const authorize = async () => ({ isAuthorized: true, context: { name: "ci", scopes: "build:read" } });
  const api = apiClient(authorized({ api: handler, authorize }), "token");
  expect((await api.call("listMachines")).status).toBe(403);
  expect((await api.call("listBuilds")).status).toBe(500);
  expect(counted).toEqual([
    ["Refused", 1, { operation: "listMachines" }],
    ["RequestFaults", 1, { operation: "listBuilds" }],
  ]);
});
