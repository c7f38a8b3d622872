import { CreateBucketCommand, type S3Client } from "@aws-sdk/client-s3";
import { buildApp } from "fauxqs";
import { s3Client } from "../../../cloud/blobs/s3.ts";

/** What signs requests to the server; it takes any. */
export const credentials = { accessKeyId: "drover", secretAccessKey: "drover" };

export interface S3Server extends AsyncDisposable {
  readonly endpoint: string;
  readonly client: S3Client;
  /** The Fastify application, whose hooks see each request. */
  readonly app: ReturnType<typeof buildApp>;
}

/**
 * An S3 with an empty bucket named `bucket`, in this process and in its memory: fauxqs, which speaks S3's protocol, but
 * checks neither signatures nor checksums.
 *
 * @param prepare adds hooks to the application before it listens
 */
export async function startS3(prepare: (app: S3Server["app"]) => void = () => {}): Promise<S3Server> {
  const app = buildApp({ logger: false });
  prepare(app);
  const endpoint = await app.listen({ host: "127.0.0.1", port: 0 });
  const client = s3Client({ endpoint, credentials, region: "us-east-1" });
  await client.send(new CreateBucketCommand({ Bucket: "bucket" }));
  return {
    endpoint,
    client,
    app,
    async [Symbol.asyncDispose]() {
      client.destroy();
      // A runner or a function that was killed leaves connections behind.
      app.server.closeAllConnections();
      await app.close();
    },
  };
}
