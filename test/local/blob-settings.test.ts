import { expect, it } from "vitest";
import { blobSettings } from "../../local/blob-settings.ts";

const here = { directory: "/data/blobs", served: "http://127.0.0.1:4747/blobs" };
const endpoint = { DROVER_BLOBS: "s3://bucket", DROVER_S3_ENDPOINT: "http://127.0.0.1:9000" };

it("keeps blobs in the data directory unless told otherwise", () => {
  expect(blobSettings({ PATH: "/bin" }, here)).toEqual({
    DROVER_BLOBS: "file:///data/blobs",
    DROVER_BLOBS_URL: "http://127.0.0.1:4747/blobs",
  });
});

it("takes a bucket of AWS with whatever credentials there are", () => {
  expect(blobSettings({ DROVER_BLOBS: "s3://bucket" }, here)).toEqual({ DROVER_BLOBS: "s3://bucket" });
});

it("has credentials for an S3 that asks for none, and leaves those alone that are there", () => {
  expect(blobSettings(endpoint, here)).toEqual({
    DROVER_BLOBS: "s3://bucket",
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "drover",
    AWS_SECRET_ACCESS_KEY: "drover",
  });
  for (const own of [{ AWS_ACCESS_KEY_ID: "minio", AWS_SECRET_ACCESS_KEY: "secret" }, { AWS_PROFILE: "garage" }]) {
    expect(blobSettings({ ...endpoint, ...own, AWS_REGION: "garage" }, here)).toEqual({
      DROVER_BLOBS: "s3://bucket",
      AWS_REGION: "garage",
    });
  }
});

it.each([[{ DROVER_BLOBS: "file:///elsewhere" }], [{ DROVER_S3_ENDPOINT: "http://127.0.0.1:9000" }]])(
  "refuses %j, which would be without effect",
  (environment) => {
    expect(() => blobSettings(environment, here)).toThrow(
      expect.objectContaining({ code: "DROVER_CONFIGURATION", remedy: expect.stringContaining("s3://BUCKET") }),
    );
  },
);
