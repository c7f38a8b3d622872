import { describe, expect, test } from "vitest";
import { routes, type RouteTopology } from "../../../cloud/topology/routes.ts";
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

  test("asks for a token with the topology's scope wherever that does", () => {
    const topology: Readonly<Record<string, RouteTopology>> = routes;
    for (const [id, route] of Object.entries(topology)) {
      const { security, responses } = Object(document["paths"])[route.path][route.method.toLowerCase()];
      const asked = security.map((scheme: object) => Object.entries(scheme));
      const token = route.access === "public" ? [] : [[["token", [route.scope]]]];
      const netrc = route.access === "cache" ? [[["netrc", [route.scope]]]] : [];
      expect({ id, asked }).toEqual({ id, asked: [...netrc, ...token] });
      const refusals = ["401", "403"].filter((status) => status in responses);
      expect({ id, refusals }).toEqual({ id, refusals: route.access === "public" ? [] : ["401", "403"] });
    }
  });
});
