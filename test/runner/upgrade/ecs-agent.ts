import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { json } from "node:stream/consumers";

/** A request as it came. */
export interface AgentRequest {
  readonly method: string | undefined;
  readonly contentType: string | undefined;
  readonly body: unknown;
}

/** How the agent's endpoint answers; `silent` never does. */
export type AgentAnswer = { readonly status: number; readonly body: unknown } | "silent";

export interface EcsAgent extends AsyncDisposable {
  /** ECS_AGENT_URI and ECS_CONTAINER_METADATA_URI_V4, as of a container of that revision. */
  readonly environment: Record<"ECS_AGENT_URI" | "ECS_CONTAINER_METADATA_URI_V4", string>;
  /** ARN of the task; no two are the same. */
  readonly task: string;
  /** Questions about the protection, oldest first. */
  readonly requests: AgentRequest[];
  /** Of these questions, what was asked for. */
  protections(): unknown[];
  /** What it answers from now on. @default as asked */
  answer: ((request: AgentRequest) => AgentAnswer) | undefined;
}

const taskArn = "arn:aws:ecs:us-west-2:111122223333:task/drover/1234567890abcdef0";

/** The documents of the Developer Guide's "Amazon ECS task scale-in protection endpoint". */
export const answers = {
  done: ({ body }: AgentRequest): AgentAnswer => {
    const isProtected = Object(body).ProtectionEnabled;
    const ExpirationDate = isProtected === true ? "2026-10-06T02:29:16Z" : null;
    return { status: 200, body: { protection: { ExpirationDate, ProtectionEnabled: isProtected, TaskArn: taskArn } } };
  },
  refused: (reason: string) => (): AgentAnswer => ({
    status: 200,
    body: { failure: { Arn: taskArn, Detail: null, Reason: reason } },
  }),
  denied: (): AgentAnswer => ({
    status: 400,
    body: {
      requestID: "12345-abc-6789-0123-abc",
      error: {
        Arn: taskArn,
        Code: "AccessDeniedException",
        Message: "User: x is not authorized to perform: ecs:UpdateTaskProtection on resource: y",
      },
    },
  }),
  timedOut: (): AgentAnswer => ({
    status: 504,
    body: {
      error: { Arn: taskArn, Code: "RequestCanceled", Message: "Timed out calling Amazon ECS Task Protection API" },
    },
  }),
  throttled: (): AgentAnswer => ({
    status: 400,
    body: {
      requestID: "12345-abc-6789-0123-abc",
      error: { Arn: taskArn, Code: "ThrottlingException", Message: "Rate exceeded" },
    },
  }),
} as const;

/** What ECS's agent offers to a container, over HTTP: the task's metadata, and its protection. */
export async function startEcsAgent(revision: number): Promise<EcsAgent> {
  const requests: AgentRequest[] = [];
  const server = createServer((request, response) => {
    void respond(request).then((answer) => {
      if (answer === "silent") return;
      response.writeHead(answer.status, { "content-type": "application/json" }).end(JSON.stringify(answer.body));
    });
  });
  async function respond(request: IncomingMessage): Promise<AgentAnswer> {
    if (request.url === "/v4/container/task") return { status: 200, body: metadata(agent.task, revision) };
    if (request.url !== "/api/container/task-protection/v1/state") return { status: 404, body: {} };
    const asked = {
      method: request.method,
      contentType: request.headers["content-type"],
      body: await json(request),
    };
    requests.push(asked);
    return (agent.answer ?? answers.done)(asked);
  }
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const url = `http://127.0.0.1:${address.port}`;
  const agent: EcsAgent = {
    environment: { ECS_AGENT_URI: `${url}/api/container`, ECS_CONTAINER_METADATA_URI_V4: `${url}/v4/container` },
    task: `arn:aws:ecs:us-west-2:111122223333:task/drover/${randomBytes(16).toString("hex")}`,
    requests,
    protections: () => requests.map(({ body }) => Object(body).ProtectionEnabled),
    answer: undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return agent;
}

function metadata(task: string, revision: number): object {
  return {
    Cluster: "drover",
    TaskARN: task,
    Family: "drover-runner",
    Revision: String(revision),
    DesiredStatus: "RUNNING",
    KnownStatus: "RUNNING",
    Containers: [],
  };
}
