import * as z from "zod";
import { storePath } from "./words.ts";

/** Most paths that can be asked about at once. */
export const maximumQueriedPaths = 10_000;
/** Most paths that can be uploaded or registered at once. */
export const maximumUploadedPaths = 500;

export const pathQuery = z
  .strictObject({ paths: z.array(storePath).max(maximumQueriedPaths) })
  .meta({ id: "PathQuery" });

export const missingPaths = z
  .object({ missing: z.array(storePath).meta({ description: "In the order of the question" }) })
  .meta({ id: "MissingPaths" });

/** What is known of a path before it is in the cache, as in its narinfo. */
const pathDescription = z
  .strictObject({
    storePath,
    narHash: z
      .string()
      .max(200)
      .meta({ description: "Of the NAR, uncompressed", examples: ["sha256:1b8m03r63zqh…"] }),
    narSize: z.int().min(1).meta({ description: "Bytes of the NAR, uncompressed" }),
    references: z
      .array(storePath)
      .max(10_000)
      .meta({ description: "Full paths, its own included where it refers to itself" }),
    deriver: storePath.optional(),
    ca: z.string().min(1).max(300).optional().meta({ description: "Content address: text:… or fixed:…" }),
    signatures: z.array(z.string().max(500)).max(50).default([]),
  })
  .meta({ id: "PathDescription" });
export type PathDescription = z.output<typeof pathDescription>;

export const pathDescriptions = z
  .strictObject({ paths: z.array(pathDescription).min(1).max(maximumUploadedPaths) })
  .meta({ id: "PathDescriptions" });

/** One plain HTTP request, which needs no credentials. */
const signedRequest = z
  .object({
    method: z.enum(["GET", "PUT"]),
    url: z.string(),
    headers: z.record(z.string(), z.string()).meta({ description: "To be sent exactly so, besides Content-Length" }),
  })
  .meta({ id: "SignedRequest" });
export type SignedRequest = z.output<typeof signedRequest>;

export const uploads = z
  .object({ uploads: z.array(z.object({ storePath, request: signedRequest })) })
  .meta({ id: "Uploads" });

export const registration = z
  .object({ registered: z.int().meta({ description: "How many paths are in the cache now" }) })
  .meta({ id: "Registration" });

export const health = z.object({ status: z.literal("ok") }).meta({ id: "Health" });
