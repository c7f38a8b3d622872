import { describe, expect, test } from "vitest";
import { routes } from "../../../cloud/topology/routes.ts";
import { openApiDocument } from "../../../lambdas/api/openapi/document.ts";
import { operations } from "../../../lambdas/api/operations/catalogue.ts";

const document = openApiDocument(operations);
const text = JSON.stringify(document, null, 2);

describe("the OpenAPI document", () => {
  test("is the one that has been reviewed", async () => {
    await expect(`${text}\n`).toMatchFileSnapshot("fixtures/openapi.json");
  });

  test("describes every route, under its operation's id", () => {
    const ids = [...text.matchAll(/"operationId": "(\w+)"/g)].map(([, id]) => id);
    expect(new Set(ids)).toEqual(new Set(Object.keys(routes)));
    expect(ids).toHaveLength(Object.keys(routes).length);
  });

  test("refers to nothing that it does not have", () => {
    const references = new Set([...text.matchAll(/"\$ref": "#\/([^"]+)"/g)].map(([, path]) => path ?? ""));
    expect(references.size).toBeGreaterThan(20);
    for (const reference of references) {
      expect(document).toHaveProperty(reference.split("/"));
    }
  });

  test("has every path parameter of every route", () => {
    for (const [id, { path, method }] of Object.entries(routes)) {
      const operation = Object(document["paths"])[path][method.toLowerCase()];
      const described = operation.parameters.filter((parameter: { in: string }) => parameter.in === "path");
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect({ id, parameters: described }).toMatchObject({
        id,
        parameters: named.map((name) => ({ name, required: true })),
      });
    }
  });

  test("asks for a token wherever the topology does", () => {
    for (const [id, { path, method, access }] of Object.entries(routes)) {
      const { security, responses } = Object(document["paths"])[path][method.toLowerCase()];
      const refuses = "401" in responses;
      expect({ id, asks: security.length > 0, refuses }).toEqual({
        id,
        asks: access !== "public",
        refuses: access !== "public",
      });
    }
  });
});
