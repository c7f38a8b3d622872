import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { json } from "node:stream/consumers";
import * as z from "zod";

export interface SecretsOfTheStack extends AsyncDisposable {
  /** For AWS_ENDPOINT_URL_SECRETS_MANAGER. */
  readonly endpoint: string;
  /** Values by id; undefined for one that the template made, without a value. */
  readonly values: Map<string, string | undefined>;
  readonly written: string[];
  /** What it does instead of answering. @default nothing */
  trouble: { readonly type: string; readonly message: string } | undefined;
}

/** Speaks Secrets Manager's protocol (JSON 1.1) as far as the keys are made with it, and errs as AWS does. */
export async function startSecretsOfTheStack(ids: readonly string[]): Promise<SecretsOfTheStack> {
  const server = createServer((incoming, response) => {
    void (async () => {
      const [status, body] = await respond(incoming);
      response.writeHead(status, { "content-type": "application/x-amz-json-1.1" }).end(JSON.stringify(body));
    })();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = z.object({ port: z.number() }).parse(server.address());
  const stack: SecretsOfTheStack = {
    endpoint: `http://127.0.0.1:${port}`,
    values: new Map(ids.map((id) => [id, undefined])),
    written: [],
    trouble: undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };

  async function respond(incoming: IncomingMessage): Promise<[number, object]> {
    const body = await json(incoming);
    if (stack.trouble !== undefined) return failed(stack.trouble.type, stack.trouble.message);
    if (!/\/secretsmanager\/aws4_request/.test(incoming.headers.authorization ?? "")) {
      return failed("UnrecognizedClientException", "not signed for this service");
    }
    switch (String(incoming.headers["x-amz-target"])) {
      case "secretsmanager.GetSecretValue":
        return get(z.strictObject({ SecretId: z.string() }).parse(body).SecretId);
      case "secretsmanager.PutSecretValue":
        return put(putRequest.parse(body));
      default:
        return failed("AccessDeniedException", "only GetSecretValue and PutSecretValue are allowed");
    }
  }

  function get(id: string): [number, object] {
    if (!stack.values.has(id)) return notThere("Secrets Manager can't find the specified secret.");
    const value = stack.values.get(id);
    if (value === undefined) {
      return notThere("Secrets Manager can't find the specified secret value for staging label: AWSCURRENT");
    }
    return [200, { ARN: id, Name: id, SecretString: value, VersionId: "1" }];
  }

  function put({ SecretId, SecretString }: z.infer<typeof putRequest>): [number, object] {
    if (!stack.values.has(SecretId)) return notThere("Secrets Manager can't find the specified secret.");
    stack.values.set(SecretId, SecretString);
    stack.written.push(SecretId);
    return [200, { ARN: SecretId, Name: SecretId, VersionId: "1", VersionStages: ["AWSCURRENT"] }];
  }

  return stack;
}

/** The token, which the SDK makes, is how AWS tells a repeated request from a second one. */
const putRequest = z.strictObject({
  SecretId: z.string(),
  SecretString: z.string(),
  ClientRequestToken: z.string().min(32),
});

const notThere = (message: string) => failed("ResourceNotFoundException", message);

function failed(type: string, Message: string): [number, object] {
  return [400, { __type: type, Message }];
}
