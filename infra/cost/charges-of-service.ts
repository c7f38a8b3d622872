import * as z from "zod";
import { type Charge, hours, pollsOfMonth } from "./charge.ts";
import { imageSize } from "./measured.ts";
import { referred, type Resource } from "./template.ts";

const service = z.looseObject({
  DesiredCount: z.number(),
  NetworkConfiguration: z.looseObject({
    AwsvpcConfiguration: z.looseObject({ AssignPublicIp: z.literal(["ENABLED", "DISABLED"]) }),
  }),
});

const task = z.looseObject({
  Cpu: z.coerce.number(),
  Memory: z.coerce.number(),
  RuntimePlatform: z.looseObject({ CpuArchitecture: z.literal("ARM64") }),
  TaskRoleArn: z.unknown(),
});

/** The runner: what it is made of, and its waiting for messages. */
export function chargesOfService(properties: Resource["properties"], all: readonly Resource[]): readonly Charge[] {
  const { DesiredCount: tasks, NetworkConfiguration: network } = service.parse(properties);
  const definition = all.find(({ type }) => type === "AWS::ECS::TaskDefinition")?.properties;
  const { Cpu, Memory, TaskRoleArn } = task.parse(definition);
  const addresses = network.AwsvpcConfiguration.AssignPublicIp === "ENABLED" ? tasks : 0;
  return [
    { what: "Runner: processor", price: "fargateCpu", quantity: tasks * (Cpu / 1024) * hours },
    { what: "Runner: memory", price: "fargateMemory", quantity: tasks * (Memory / 1024) * hours },
    { what: "Runner: public address", price: "publicIpv4", quantity: addresses * hours },
    { what: "Runner: its image", price: "imageStorage", quantity: imageSize },
    ...queuesReceivedBy(referred(TaskRoleArn), all).map((queue) => ({
      what: "SQS: the runner asks whether there is something to do",
      price: queue?.properties["FifoQueue"] === true ? ("fifoQueueRequests" as const) : ("queueRequests" as const),
      quantity: tasks * pollsOfMonth,
    })),
  ];
}

const policy = z.looseObject({
  Roles: z.array(z.looseObject({ Ref: z.string() })),
  PolicyDocument: z.looseObject({
    Statement: z.array(z.looseObject({ Action: z.unknown(), Resource: z.unknown() })),
  }),
});

/** The queues that the role's policies allow it to receive from. */
function queuesReceivedBy(role: string | undefined, all: readonly Resource[]): readonly (Resource | undefined)[] {
  return all
    .filter(({ type }) => type === "AWS::IAM::Policy")
    .map(({ properties }) => policy.parse(properties))
    .filter(({ Roles }) => Roles.some(({ Ref }) => Ref === role))
    .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
    .filter(({ Action }) => [Action].flat().includes("sqs:ReceiveMessage"))
    .flatMap((statement) => [statement.Resource].flat())
    .map((queue) => all.find(({ id }) => id === referred(queue)));
}
