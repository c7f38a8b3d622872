import { pathToFileURL } from "node:url";
import { DroverError } from "../nix/drover-error.ts";

/**
 * Settings of the blob store: the data directory, served by the gateway, unless the environment names a bucket. That one
 * has to be there, as in AWS.
 *
 * An S3 that is not Amazon's (`DROVER_S3_ENDPOINT`) is spoken to with the usual credentials (`AWS_ACCESS_KEY_ID` and
 * `AWS_SECRET_ACCESS_KEY`, or `AWS_PROFILE`); where there are none, with some that an S3 without passwords takes.
 *
 * @param served the URL under which the gateway serves the directory
 * @throws {DroverError} DROVER_CONFIGURATION
 */
export function blobSettings(
  environment: NodeJS.ProcessEnv,
  { directory, served }: { readonly directory: string; readonly served: string },
): Record<string, string> {
  const { DROVER_BLOBS: blobs, DROVER_S3_ENDPOINT: endpoint } = environment;
  if (blobs === undefined && endpoint === undefined) {
    return { DROVER_BLOBS: pathToFileURL(directory).href, DROVER_BLOBS_URL: served };
  }
  if (blobs?.startsWith("s3://") !== true) {
    throw new DroverError("DROVER_CONFIGURATION", `DROVER_BLOBS is ${blobs ?? "not set, but DROVER_S3_ENDPOINT is"}`, {
      subject: "DROVER_BLOBS",
      remedy: "Set it to s3://BUCKET. Without both variables, blobs are kept in the data directory (--data).",
    });
  }
  if (endpoint === undefined) return { DROVER_BLOBS: blobs };
  const { AWS_REGION = "us-east-1", AWS_ACCESS_KEY_ID: key, AWS_PROFILE: profile } = environment;
  if (key !== undefined || profile !== undefined) return { DROVER_BLOBS: blobs, AWS_REGION };
  return { DROVER_BLOBS: blobs, AWS_REGION, AWS_ACCESS_KEY_ID: "drover", AWS_SECRET_ACCESS_KEY: "drover" };
}
