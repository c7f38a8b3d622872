import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import * as z from "zod";

/** What a secret answers: its text or bytes, or an error of AWS's. */
type StoredSecret = string | Uint8Array | { readonly error: string; readonly message: string };

export interface SecretsManagerServer extends AsyncDisposable {
  readonly endpoint: string;
  readonly secrets: Map<string, StoredSecret>;
  /** Names that were asked for, in order. */
  readonly asked: string[];
}

const notFound = { error: "ResourceNotFoundException", message: "Secrets Manager can't find the specified secret." };
const notSigned = { error: "UnrecognizedClientException", message: "not signed for this service" };
const request = z.strictObject({ SecretId: z.string() });

/** Answers GetSecretValue as AWS does (JSON 1.1 protocol), to whoever signs for that service. */
export async function startSecretsManager(): Promise<SecretsManagerServer> {
  const secrets = new Map<string, StoredSecret>();
  const asked: string[] = [];
  const handle = async (incoming: IncomingMessage, response: ServerResponse) => {
    const { SecretId } = request.parse(JSON.parse(await text(incoming)));
    asked.push(SecretId);
    const stored = isMeantForIt(incoming) ? (secrets.get(SecretId) ?? notFound) : notSigned;
    const failed = typeof stored === "object" && "error" in stored;
    response.writeHead(failed ? 400 : 200, { "content-type": "application/x-amz-json-1.1" });
    response.end(JSON.stringify(answer(SecretId, stored)));
  };
  const server = createServer((incoming, response) => void handle(incoming, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = z.object({ port: z.number() }).parse(server.address());
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    secrets,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function isMeantForIt({ method, headers }: IncomingMessage): boolean {
  return (
    method === "POST" &&
    headers["x-amz-target"] === "secretsmanager.GetSecretValue" &&
    /\/eu-central-1\/secretsmanager\/aws4_request/.test(headers.authorization ?? "")
  );
}

function answer(name: string, stored: StoredSecret): object {
  if (typeof stored === "string") return { Name: name, SecretString: stored };
  if (stored instanceof Uint8Array) return { Name: name, SecretBinary: Buffer.from(stored).toString("base64") };
  return { __type: stored.error, Message: stored.message };
}
