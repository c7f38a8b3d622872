import * as z from "zod";
import { invalidRequest } from "./problems/invalid-request.ts";
import { readBody, type MediaType, type RawRequest } from "./request.ts";

/** What a body is in each media type in which an operation takes it. */
export type Bodies = Readonly<Partial<Record<MediaType, z.ZodType>>>;

/** Query parameters are refused where none are known: a misspelt one must not go unnoticed. */
const noParameters = z.strictObject({});

/**
 * Reads what an operation takes out of a request. All mistakes are reported at once.
 *
 * @throws {DroverError} DROVER_REQUEST_INVALID, DROVER_MEDIA_TYPE, DROVER_BODY_NOT_JSON
 */
export function parseRequest<Input extends z.ZodObject>(
  { input, bodies = { "application/json": z.unknown() } }: { input: Input; bodies?: Bodies },
  request: RawRequest,
): z.output<Input> {
  const known = input.shape;
  const { mediaType, body } = "body" in known ? readBody(request, bodies) : {};
  // Where the input takes several kinds of bodies, mistakes are told of the one that was sent.
  const schema = mediaType === undefined ? undefined : bodies[mediaType];
  const inBody = z.object({ body: schema ?? z.unknown() }).safeParse({ body }).error?.issues ?? [];
  const parsed = input.safeParse({ ...request, body });
  const elsewhere = parsed.error?.issues.filter(({ path: [part] }) => inBody.length === 0 || part !== "body") ?? [];
  const stray = "query" in known ? undefined : z.object({ query: noParameters }).safeParse(request).error;
  const issues = [...elsewhere, ...inBody, ...(stray?.issues ?? [])];
  if (parsed.success && issues.length === 0) return parsed.data;
  throw invalidRequest(issues);
}
