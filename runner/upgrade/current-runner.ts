import { json } from "node:stream/consumers";
import * as z from "zod";
import type { Blobs } from "../../cloud/ports/blobs.ts";
import type { TaskIdentity } from "./task-identity.ts";

/** In the blob store, beside the binary cache; `infra/permissions.ts` names it, too. */
const key = "runner/current.json";

const record = z.object({ task: z.string(), definition: z.string() });

/**
 * Which version of the runner was the last to begin to work: each writes itself down over the one before. So a runner
 * that has written itself down and finds another version later has been succeeded, whichever clocks they have.
 *
 * ECS tells a protected task nothing about newer deployments, and refuses protection to the wrong one (see
 * `KeptProtection`). ECS's API would tell of a new deployment before its task works; this tells when it does, so that
 * there is always somebody who takes new work. A new version that fails before its queue has answered supersedes nobody.
 */
export interface CurrentRunner {
  announce(identity: TaskIdentity, signal: AbortSignal): Promise<void>;
  /** @returns undefined where nobody has announced himself */
  read(signal: AbortSignal): Promise<TaskIdentity | undefined>;
}

export function blobCurrentRunner(blobs: Pick<Blobs, "get" | "put">): CurrentRunner {
  return {
    async announce(identity, signal) {
      const body = Buffer.from(JSON.stringify(identity));
      await blobs.put(key, body, { contentType: "application/json", signal });
    },
    async read(signal) {
      const found = await blobs.get(key, { signal });
      return found === undefined ? undefined : record.parse(await json(found.body));
    },
  };
}
