import { Duration, Validations } from "aws-cdk-lib";
import * as ecs from "aws-cdk-lib/aws-ecs";
import * as iam from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";
import { grant, grantTaskProtection, type Resources } from "./grant.ts";
import type { Network } from "./network.ts";
import type { Options } from "./options.ts";
import { permissions } from "./permissions.ts";
import { serviceLogs } from "./service-logs.ts";

export interface RunnerOptions {
  readonly options: Options;
  readonly resources: Resources;
  readonly network: Network;
  readonly image: ecs.ContainerImage;
  readonly environment: Readonly<Record<string, string>>;
}

/** The longest that Fargate waits between SIGTERM and the end. The runner ends by itself before (`runner/main.ts`). */
const stopTimeout = Duration.seconds(120);

/**
 * The one part that always runs: a task in a public subnet. In an upgrade the new one starts, beside the old, and is
 * found healthy before the old is told to stop, which waits while the old protects itself because it builds
 * (`runner/upgrade/ecs-upgrades.ts`). For that the service needs room for a second task (200 %), and must never have
 * less than the one that it wants (100 %): an old task that ends early is no reason to stop the new one.
 *
 * A version whose task does not come up is rolled back. An old task that is still protected is no failure to the circuit
 * breaker, which counts tasks of the new version that do not start or are not healthy (Developer Guide, "How the Amazon
 * ECS deployment circuit breaker detects failures"); but CloudFormation gives up after 3 hours (same guide, "Protect
 * your Amazon ECS tasks from being terminated by scale-in events").
 */
export function createRunner(scope: Construct, runner: RunnerOptions): ecs.FargateService {
  const cluster = new ecs.Cluster(scope, "Cluster", { clusterName: runner.options.name, vpc: runner.network.vpc });
  Validations.of(cluster).acknowledge({
    id: "AwsSolutions-ECS4",
    reason:
      "Container Insights would cost about as much as the runner; ECS's own figures tell whether it runs and how busy it is.",
  });
  const service = new ecs.FargateService(scope, "Runner", {
    serviceName: `${runner.options.name}-runner`,
    cluster,
    taskDefinition: createTask(scope, runner),
    desiredCount: 1,
    minHealthyPercent: 100,
    maxHealthyPercent: 200,
    circuitBreaker: { rollback: true },
    assignPublicIp: true,
    securityGroups: [runner.network.securityGroup],
    vpcSubnets: { subnets: runner.network.vpc.publicSubnets },
    platformVersion: ecs.FargatePlatformVersion.LATEST,
  });
  // Without a way out the first task could not fetch its image, and the circuit breaker would undo the deployment.
  for (const subnet of runner.network.vpc.publicSubnets)
    service.node.addDependency(subnet.internetConnectivityEstablished);
  return service;
}

function createTask(scope: Construct, { options, resources, image, environment }: RunnerOptions) {
  const taskRole = new iam.Role(scope, "Role-runner", {
    assumedBy: new iam.ServicePrincipal("ecs-tasks.amazonaws.com"),
    description: "What Drover's runner may do (infra/permissions.ts)",
  });
  grant(taskRole, permissions.runner, resources);
  grantTaskProtection(taskRole, options.name);
  const executionRole = new iam.Role(scope, "Role-runner-start", {
    assumedBy: new iam.ServicePrincipal("ecs-tasks.amazonaws.com"),
    description: "With which ECS fetches the runner's image and writes its log",
  });
  Validations.of(executionRole).acknowledge({
    id: "AwsSolutions-IAM5[Resource::*]",
    reason: "ecr:GetAuthorizationToken is of the registry as a whole: IAM knows no resource for it.",
  });
  const task = new ecs.FargateTaskDefinition(scope, "RunnerTask", {
    family: `${options.name}-runner`,
    cpu: options.runner.cpu,
    memoryLimitMiB: options.runner.memory,
    runtimePlatform: {
      cpuArchitecture: ecs.CpuArchitecture.ARM64,
      operatingSystemFamily: ecs.OperatingSystemFamily.LINUX,
    },
    taskRole,
    executionRole,
  });
  Validations.of(task).acknowledge({
    id: "AwsSolutions-ECS2",
    reason: "The variables are names and sizes. Secrets are read from Secrets Manager by the runner itself.",
  });
  // Of the container all else is read-only. Logs beyond 256 KiB wait here until their attempts end.
  task.addVolume({ name: "tmp" });
  const container = task.addContainer("runner", {
    image,
    environment,
    readonlyRootFilesystem: true,
    stopTimeout,
    // What the image says of its health, ECS does not read.
    healthCheck: {
      command: ["CMD", "/drover/healthy"],
      interval: Duration.seconds(30),
      timeout: Duration.seconds(5),
      startPeriod: Duration.seconds(60),
      retries: 3,
    },
    logging: ecs.LogDrivers.awsLogs({ logGroup: serviceLogs(scope, "runner", options), streamPrefix: "runner" }),
  });
  container.addMountPoints({ sourceVolume: "tmp", containerPath: "/tmp", readOnly: false });
  return task;
}
