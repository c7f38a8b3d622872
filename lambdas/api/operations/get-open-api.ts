import * as z from "zod";
import type { OperationId } from "../../../cloud/topology/routes.ts";
import { openApiDocument } from "../openapi/document.ts";
import { jsonOperation, type Operation } from "./operation.ts";

/** The document is made when it is first asked for: making it would slow every cold start. */
export function getOpenApi(operations: () => Readonly<Record<OperationId, Operation>>): Operation {
  let document: ReturnType<typeof openApiDocument> | undefined;
  return jsonOperation({
    summary: "This document",
    tag: "service",
    input: z.object({}),
    result: z.record(z.string(), z.unknown()),
    run: () => (document ??= openApiDocument(operations())),
  });
}
