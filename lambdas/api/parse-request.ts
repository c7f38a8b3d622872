import * as z from "zod";
import { invalidRequest } from "./problems/invalid-request.ts";
import { jsonBody, type RawRequest, textBody } from "./request.ts";

/** Query parameters are refused where none are known: a misspelt one must not go unnoticed. */
const noParameters = z.strictObject({});

/**
 * Reads what an operation takes out of a request. All mistakes are reported at once.
 *
 * @throws {DroverError} DROVER_REQUEST_INVALID, DROVER_MEDIA_TYPE, DROVER_BODY_NOT_JSON
 */
export function parseRequest<Input extends z.ZodObject>(
  { input, mediaType = "application/json" }: { input: Input; mediaType?: "application/json" | "text/plain" },
  request: RawRequest,
): z.output<Input> {
  const known = input.shape;
  const body = "body" in known ? (mediaType === "text/plain" ? textBody(request) : jsonBody(request)) : undefined;
  const parsed = input.safeParse({ ...request, body });
  const stray = "query" in known ? undefined : z.object({ query: noParameters }).safeParse(request).error;
  const issues = [...(parsed.error?.issues ?? []), ...(stray?.issues ?? [])];
  if (parsed.success && issues.length === 0) return parsed.data;
  throw invalidRequest(issues);
}
