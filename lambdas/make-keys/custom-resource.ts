import * as z from "zod";

/** What CloudFormation sends to a custom resource, as far as it is of use here (user guide, "Custom resource requests"). */
const request = z.object({
  RequestType: z.enum(["Create", "Update", "Delete"]),
  ResponseURL: z.url({ protocol: /^https?$/ }),
  StackId: z.string(),
  RequestId: z.string(),
  LogicalResourceId: z.string(),
  PhysicalResourceId: z.string().optional(),
  ResourceProperties: z.record(z.string(), z.unknown()),
});

/**
 * Milliseconds for the work itself. With the time that the answer may take it is less than the function's own minute
 * (`infra/make-keys.ts`), after which nobody would answer.
 */
const workLimit = 35_000;

/** Characters of a reason. A whole answer may have 4 096 bytes (user guide, "Custom resource response objects"). */
const longestReason = 600;

/**
 * Answers CloudFormation, which otherwise waits until the resource's ServiceTimeout: with what `make` returns, as the
 * resource's attributes, or with why it failed or that it took too long. A deletion succeeds and does nothing.
 *
 * No provider framework stands in between: CloudFormation invokes the function without waiting for what it returns, and
 * takes as the answer only what is sent to the request's URL.
 *
 * @param make is given the resource's properties
 * @throws when CloudFormation does not take the answer; Lambda then invokes the function again, twice at most
 */
export async function answerCloudFormation(
  event: unknown,
  make: (properties: Readonly<Record<string, unknown>>) => Promise<Readonly<Record<string, string>>>,
  { limit = workLimit }: { limit?: number } = {},
): Promise<void> {
  const { RequestType, ResponseURL, ResourceProperties, ...asked } = request.parse(event);
  const { PhysicalResourceId = asked.LogicalResourceId } = asked;
  let outcome: Record<string, unknown>;
  try {
    const Data = RequestType === "Delete" ? {} : await within(limit, make(ResourceProperties));
    outcome = { Status: "SUCCESS", Data };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    outcome = { Status: "FAILED", Reason: (reason === "" ? "no reason given" : reason).slice(0, longestReason) };
  }
  // The URL is signed without a content type: one would void its signature.
  const answer = await fetch(ResponseURL, {
    method: "PUT",
    headers: { "content-type": "" },
    body: JSON.stringify({ ...asked, PhysicalResourceId, ...outcome }),
    signal: AbortSignal.timeout(20_000),
  });
  if (!answer.ok) throw new Error(`CloudFormation did not take the answer: HTTP ${answer.status}`);
}

async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new Error(`It took longer than ${milliseconds / 1_000} s. Its log may say what did not answer.`));
  }, milliseconds);
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
