import * as z from "zod";
import { type OperationId, routes, type RouteTopology } from "../../../cloud/topology/routes.ts";
import type { Operation } from "../operations/operation.ts";
import { problem } from "../schema/problem.ts";
import { type Json, type JsonObject, SchemaComponents } from "./schemas.ts";

const description = [
  "Errors are `application/problem+json` (RFC 9457) with a stable `code` and, where there is one, a `remedy`.",
  "Moments are RFC 3339, in UTC. A list is read on with `cursor` = `next`. Unknown fields and parameters are refused.",
].join(" ");

const problemDescriptions: Readonly<Record<number, string>> = {
  400: "The request is not as described here",
  401: "No token, or a wrong one",
  403: "The token lacks the scope that the operation's `security` names",
  404: "There is no such thing",
  409: "The state of the thing does not allow it; `remedy` says what would",
  412: "Somebody has changed the thing since it had the ETag of `If-Match`",
  415: "The body has another media type than the operation takes",
  422: "The request is well formed but can not be done; `code` says why",
  500: "The service failed; its log has the cause under `requestId`",
};

const securitySchemes = {
  token: {
    type: "http",
    scheme: "bearer",
    description: "A token of this deployment. Operations name the scope that it needs; `admin` is all of them.",
  },
  netrc: { type: "http", scheme: "basic", description: "A token as the password: how Nix sends what netrc says" },
};

/** Beside a scheme of HTTP stand the roles that a caller needs (OpenAPI 3.1, "Security Requirement Object"). */
function security(route: RouteTopology): JsonObject[] {
  if (route.access === "public") return [];
  const token = { token: [route.scope] };
  return route.access === "cache" ? [{ netrc: [route.scope] }, token] : [token];
}

/** The API as an OpenAPI 3.1 document, from the routes and the operations' own schemas. */
export function openApiDocument(operations: Readonly<Record<OperationId, Operation>>): JsonObject {
  const schemas = new SchemaComponents();
  const paths: Record<string, JsonObject> = {};
  for (const id of operationIds) {
    const route: RouteTopology = routes[id];
    const { path, method } = route;
    const operation = operations[id];
    const described: JsonObject = {
      operationId: id,
      summary: operation.summary,
      ...(operation.description !== undefined && { description: operation.description }),
      tags: [operation.tag],
      security: security(route),
      parameters: parameters(operation, schemas),
      ...requestBody(operation, schemas),
      responses: { ...success(operation, schemas), ...problems(operation, route) },
    };
    paths[path] = { ...paths[path], [method.toLowerCase()]: described };
  }
  const problemContent = { "application/problem+json": { schema: schemas.ofBody(problem) } };
  const responses = Object.fromEntries(
    Object.entries(problemDescriptions).map(([status, text]) => [
      `Problem${status}`,
      { description: text, content: problemContent },
    ]),
  );
  return {
    openapi: "3.1.0",
    info: { title: "Drover", version: "1", summary: "Every Nix machine you own, behind one queue", description },
    paths,
    components: { securitySchemes, responses, schemas: schemas.all() },
  };
}

const operationIds = Object.keys(routes).filter((id): id is OperationId => id in routes);

/** Parts of a request that are parameters, under OpenAPI's names. */
const places = { path: "path", query: "query", headers: "header" } as const;

function parameters({ input }: Operation, schemas: SchemaComponents): Json[] {
  return Object.entries(places).flatMap(([part, place]) => {
    const schema = input.shape[part];
    if (!(schema instanceof z.ZodObject)) return [];
    return Object.entries(schema.shape).map(([name, parameter]): Json => {
      if (!(parameter instanceof z.ZodType)) throw new TypeError(`${name} has no schema`);
      const required = !parameter.safeParse(undefined).success;
      return { name, in: place, required, schema: schemas.ofParameter(parameter) };
    });
  });
}

function requestBody({ input, bodies }: Operation, schemas: SchemaComponents): JsonObject {
  const schema = input.shape["body"];
  if (!(schema instanceof z.ZodType)) return {};
  const described = Object.entries(bodies ?? { "application/json": schema }).map(
    ([mediaType, body]): [string, Json] => [mediaType, { schema: schemas.ofBody(body) }],
  );
  return { requestBody: { required: true, content: Object.fromEntries(described) } };
}

function success({ success }: Operation, schemas: SchemaComponents): JsonObject {
  if ("mediaType" in success) {
    const described = Object.entries(success.descriptions).map(([status, text]): [string, Json] => [
      status,
      status === "200" ? { description: text, content: { [success.mediaType]: {} } } : { description: text },
    ]);
    return Object.fromEntries(described);
  }
  const headers = Object.entries(success.headers ?? {}).map(([name, text]): [string, Json] => [
    name,
    { description: text, schema: { type: "string" } },
  ]);
  return {
    [success.status]: {
      description: success.status === 202 ? "Accepted" : "Done",
      ...(headers.length > 0 && { headers: Object.fromEntries(headers) }),
      content: { "application/json": { schema: schemas.ofBody(success.schema) } },
    },
  };
}

function problems({ problems: own = [] }: Operation, { access }: RouteTopology): JsonObject {
  const statuses = [400, ...(access === "public" ? [] : [401, 403]), ...own, 500];
  return Object.fromEntries(statuses.map((status) => [status, { $ref: `#/components/responses/Problem${status}` }]));
}
