import { once } from "node:events";
import { directoryBlobs } from "../../cloud/blobs/directory.ts";
import { signedBlobServer } from "../../cloud/blobs/signed-http.ts";
import { directorySecrets } from "../../cloud/secrets/directory.ts";
import { type ApiHandler, gateway } from "./gateway.ts";
import { listen } from "./listen.ts";

/** The one address of the embedded mode: the API, and the blobs' signed paths below `/blobs/`. */
export interface OpenGateway extends AsyncDisposable {
  readonly url: string;
  /** From now on requests are answered. Those that came before have waited. */
  open(handler: ApiHandler): void;
}

export interface GatewayOptions {
  readonly blobs: string;
  readonly secrets: string;
  /** 0 for any free one. */
  readonly port: number;
}

/**
 * Listens before there is anything to answer with: the functions' settings contain the address.
 *
 * @throws {DroverError} DROVER_PORT_IN_USE
 */
export async function openGateway({ blobs: directory, secrets, port }: GatewayOptions): Promise<OpenGateway> {
  const handler = Promise.withResolvers<ApiHandler>();
  const key = async () => Buffer.from(await directorySecrets(secrets).read("url-signing-key"), "hex");
  // The address in its URLs does not matter here: this one only answers what another one has signed.
  const blobs = directoryBlobs({ directory, url: "http://127.0.0.1", secret: key });
  const answerBlob = signedBlobServer({ blobs, secret: key, prefix: "/blobs/" });
  const server = gateway(
    async (event, context) => (await handler.promise)(event, context),
    (request, response) => {
      if (request.url?.startsWith("/blobs/") !== true) return false;
      void answerBlob(request, response);
      return true;
    },
  );
  const url = `http://127.0.0.1:${await listen(server, port)}`;
  return {
    url,
    open: (ready) => handler.resolve(ready),
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
