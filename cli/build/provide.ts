import { maximumQueriedPaths } from "../../lambdas/api/schema/store.ts";
import { DroverError } from "../../nix/drover-error.ts";
import type { StorePath } from "../../nix/store-path.ts";
import type { ApiClient } from "../api/client.ts";
import { queryMissingPaths } from "../api/operations.ts";
import type { LocalStore } from "./local-store.ts";
import { planUpload } from "./upload-plan.ts";
import { upload, type UploadProgress } from "./upload.ts";

export interface ProvideOptions {
  readonly signal: AbortSignal;
  /** Told once, before anything is sent. */
  readonly onPlan: (plan: { closure: number; missing: number; bytes: number }) => void;
  readonly onProgress: (progress: UploadProgress) => void;
}

/**
 * Sees to it that the service has the derivations and all that they refer to: other derivations, and sources. What it
 * has, or can fetch from an upstream cache, is not sent.
 */
export async function provideClosure(
  client: ApiClient,
  store: LocalStore,
  drvPaths: readonly StorePath[],
  { signal, onPlan, onProgress }: ProvideOptions,
): Promise<void> {
  const closure = await store.closure(drvPaths);
  const missing: StorePath[] = [];
  for (let first = 0; first < closure.length; first += maximumQueriedPaths) {
    const paths = closure.slice(first, first + maximumQueriedPaths);
    missing.push(...(await queryMissingPaths(client, paths, { signal })));
  }
  const infos = missing.length === 0 ? new Map() : await store.pathInfos(missing);
  const vanished = missing.find((path) => !infos.has(path));
  if (vanished !== undefined) {
    throw new DroverError("DROVER_LOCAL_STORE", `${vanished} has vanished from the local Nix store`, {
      subject: vanished,
      remedy: "Run the command again; keep the garbage collector away meanwhile.",
    });
  }
  const batches = planUpload([...infos.values()]);
  const bytes = batches.flat().reduce((sum, path) => sum + path.narSize, 0);
  onPlan({ closure: closure.length, missing: missing.length, bytes });
  await upload(client, batches, { signal, onProgress });
}
