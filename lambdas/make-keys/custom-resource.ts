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
 * Answers CloudFormation, which otherwise waits for an hour: with what `make` returns, as the resource's attributes, or with
 * why it failed. A deletion succeeds and does nothing.
 *
 * @param make is given the resource's properties
 * @throws when CloudFormation does not take the answer; Lambda then tries again
 */
export async function answerCloudFormation(
  event: unknown,
  make: (properties: Readonly<Record<string, unknown>>) => Promise<Readonly<Record<string, string>>>,
): Promise<void> {
  const { RequestType, ResponseURL, ResourceProperties, ...asked } = request.parse(event);
  const { PhysicalResourceId = asked.LogicalResourceId } = asked;
  let outcome: Record<string, unknown>;
  try {
    const Data = RequestType === "Delete" ? {} : await make(ResourceProperties);
    outcome = { Status: "SUCCESS", Data };
  } catch (error) {
    outcome = { Status: "FAILED", Reason: error instanceof Error ? error.message : String(error) };
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
