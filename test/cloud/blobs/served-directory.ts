import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { directoryBlobs } from "../../../cloud/blobs/directory.ts";
import { signedBlobServer } from "../../../cloud/blobs/signed-http.ts";

export const secret = async (): Promise<Uint8Array> => Buffer.alloc(32, 1);

export async function serveDirectory() {
  const directory = await mkdtemp(join(tmpdir(), "drover-blobs-"));
  const server = createServer();
  const url = `${await listen(server)}/blobs`;
  const blobs = directoryBlobs({ directory, url, secret });
  const answer = signedBlobServer({ blobs, secret, prefix: "/blobs/" });
  server.on("request", (request, response) => void answer(request, response));
  return {
    directory,
    url,
    blobs,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(directory, { recursive: true });
    },
  };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
}
