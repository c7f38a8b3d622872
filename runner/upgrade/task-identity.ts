import * as z from "zod";

/** Which task this is, and of which version. */
export interface TaskIdentity {
  readonly task: string;
  /** `family:revision`. Whatever a deployment changes of the runner (image, size, settings), this changes. */
  readonly definition: string;
}

const taskMetadata = z.object({ TaskARN: z.string(), Family: z.string(), Revision: z.string() });

/**
 * @param metadataUri ECS_CONTAINER_METADATA_URI_V4 of the container (Developer Guide, "Amazon ECS task metadata V4 JSON
 *   response")
 */
export async function readTaskIdentity(metadataUri: string, signal: AbortSignal): Promise<TaskIdentity> {
  const response = await fetch(`${metadataUri}/task`, {
    signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]),
  });
  const { TaskARN, Family, Revision } = taskMetadata.parse(await response.json());
  return { task: TaskARN, definition: `${Family}:${Revision}` };
}
