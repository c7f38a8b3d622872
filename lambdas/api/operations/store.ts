import * as z from "zod";
import { missingPaths, pathDescriptions, pathQuery, registration, uploads } from "../schema/store.ts";
import { jsonOperation } from "./operation.ts";

export const queryMissingPaths = jsonOperation({
  summary: "Tell which store paths have to be uploaded",
  description: "A path is there when this deployment's cache or an upstream one has it.",
  tag: "store",
  input: z.object({ body: pathQuery }),
  result: missingPaths,
  problems: [415],
  async run({ sources }, { body }, { signal }) {
    const paths = [...new Set(body.paths)];
    const present = await sources.narInfos(paths, signal);
    return { missing: paths.filter((path) => !present.has(path)) };
  },
});

export const signUploads = jsonOperation({
  summary: "Ask where to send NARs",
  description:
    "Send each uncompressed NAR with the request that stands beside its path. It takes no other bytes. Register the paths afterwards.",
  tag: "store",
  input: z.object({ body: pathDescriptions }),
  result: uploads,
  problems: [415, 422],
  async run({ cache }, { body }) {
    const signed = body.paths.map(async (path) => ({
      storePath: path.storePath,
      request: await cache.signUpload(path),
    }));
    return { uploads: await Promise.all(signed) };
  },
});

export const registerPaths = jsonOperation({
  summary: "Publish paths whose NARs have been sent",
  description: "All of them or none. What a path refers to must be in the cache, upstream, or among these paths.",
  tag: "store",
  input: z.object({ body: pathDescriptions }),
  result: registration,
  problems: [415, 422],
  async run({ cache }, { body }) {
    await cache.registerUploads(body.paths);
    return { registered: new Set(body.paths.map(({ storePath }) => storePath)).size };
  },
});
