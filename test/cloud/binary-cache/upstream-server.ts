import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { parseRange } from "../../../cloud/blobs/http-range.ts";
import { isMissing } from "../../../cloud/blobs/stored-file.ts";

/** Answers a request itself, or leaves it to the server by giving false. */
type Interference = (request: IncomingMessage, response: ServerResponse, file: Buffer | undefined) => boolean;

export interface UpstreamServer extends AsyncDisposable {
  readonly url: string;
  /** `GET /nix-cache-info` and so on, in the order of their arrival. */
  readonly requests: string[];
  interfere(how: Interference): void;
}

/** Serves a directory by HTTP, as well as anybody does. */
export async function serveUpstream(directory: string): Promise<UpstreamServer> {
  const requests: string[] = [];
  let interference: Interference = () => false;
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    void answer(request, response);
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const file = await readFile(join(directory, new URL(request.url ?? "", "http://x").pathname)).catch(
      (error: unknown) => {
        if (!isMissing(error)) throw error;
        return undefined;
      },
    );
    if (interference(request, response, file)) return;
    if (file === undefined) {
      response.writeHead(404).end("no such file");
      return;
    }
    const range = parseRange(request.headers.range, file.length);
    if (range === undefined || range === "unsatisfiable")
      response.writeHead(200, { "content-length": file.length }).end(file);
    else {
      const { first, last } = range;
      response.writeHead(206, {
        "content-range": `bytes ${first}-${last}/${file.length}`,
        "content-length": last - first + 1,
      });
      response.end(file.subarray(first, last + 1));
    }
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
    requests,
    interfere(how) {
      interference = how;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
