import { Match, type Template } from "aws-cdk-lib/assertions";
import { beforeAll, describe, expect, it } from "vitest";
import { synthesize } from "./synthesize.ts";

let template: Template;
beforeAll(async () => {
  template = await synthesize();
}, 60_000);

describe("nobody can reach in", () => {
  it("to the runner, and nothing is paid by the hour for it to reach out", () => {
    template.hasResourceProperties("AWS::EC2::SecurityGroup", { SecurityGroupIngress: Match.absent() });
    for (const type of [
      "AWS::EC2::SecurityGroupIngress",
      "AWS::EC2::NatGateway",
      "AWS::EC2::EIP",
      "AWS::ElasticLoadBalancingV2::LoadBalancer",
    ]) {
      template.resourceCountIs(type, 0);
    }
  });

  it("to the blobs, without TLS or as the public", () => {
    template.hasResourceProperties("AWS::S3::Bucket", {
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    });
    const insecure = { Effect: "Deny", Condition: { Bool: { "aws:SecureTransport": "false" } } };
    template.hasResourceProperties("AWS::S3::BucketPolicy", {
      PolicyDocument: { Statement: Match.arrayWith([Match.objectLike(insecure)]) },
    });
  });

  it("past the authorizer, which sees the Authorization header and answers yes or no", () => {
    const authorizer = {
      AuthorizerType: "REQUEST",
      AuthorizerPayloadFormatVersion: "2.0",
      EnableSimpleResponses: true,
      IdentitySource: ["$request.header.Authorization"],
    };
    template.allResourcesProperties("AWS::ApiGatewayV2::Authorizer", authorizer);
    // No page of another origin has business here.
    template.allResourcesProperties("AWS::ApiGatewayV2::Api", { CorsConfiguration: Match.absent() });
  });

  it("to the functions: they are started by one API, one authorizer of it, and one rule", () => {
    const allowed = Object.values(template.findResources("AWS::Lambda::Permission")).map((permission) => {
      const { Principal, SourceArn } = permission["Properties"];
      return [Principal, SourceArn["Fn::Join"]?.[1].slice(-3) ?? SourceArn["Fn::GetAtt"]];
    });
    const only = (type: string) => Object.keys(template.findResources(type)).join(" and ");
    const api = { Ref: only("AWS::ApiGatewayV2::Api") };
    const authorizer = { Ref: only("AWS::ApiGatewayV2::Authorizer") };
    expect(allowed).toEqual([
      ["events.amazonaws.com", [only("AWS::Events::Rule"), "Arn"]],
      ["apigateway.amazonaws.com", [":", api, "/*/*/*"]],
      ["apigateway.amazonaws.com", [api, "/authorizers/", authorizer]],
    ]);
  });

  it("by what the template says: it has no secret's value", () => {
    template.allResourcesProperties("AWS::SecretsManager::Secret", {
      SecretString: Match.absent(),
      GenerateSecretString: Match.absent(),
    });
    expect(JSON.stringify(template.toJSON())).not.toMatch(/TOKEN|drover_[0-9a-f]{16}_/);
    template.hasOutput("FirstToken", {
      Value: {
        "Fn::Join": [
          "",
          ["drover tokens first --deployment drover --url ", { "Fn::GetAtt": ["ApiF70053CD", "ApiEndpoint"] }],
        ],
      },
    });
  });
});

describe("what has been built", () => {
  it("stays when the stack goes, and tables can be restored", () => {
    for (const type of ["AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SecretsManager::Secret"]) {
      template.allResources(type, { DeletionPolicy: "Retain", UpdateReplacePolicy: "Retain" });
    }
    template.allResourcesProperties("AWS::DynamoDB::Table", {
      BillingMode: "PAY_PER_REQUEST",
      DeletionProtectionEnabled: true,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    });
  });

  it("is cleared of unfinished uploads and old logs, and of nothing else", () => {
    const [bucket] = Object.values(template.findResources("AWS::S3::Bucket"));
    const rules: unknown = bucket?.["Properties"].LifecycleConfiguration.Rules;
    expect(rules).toEqual([
      { Id: "unfinished-uploads", Status: "Enabled", AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } },
      { Id: "live-logs", Status: "Enabled", Prefix: "live/", ExpirationInDays: 7 },
      { Id: "build-logs", Status: "Enabled", Prefix: "log/", ExpirationInDays: 365 },
    ]);
  });
});

describe("roles", () => {
  it("name their actions one by one, and their resources but where IAM knows none", () => {
    const statements = Object.values(template.findResources("AWS::IAM::Policy")).flatMap(
      (policy) => policy["Properties"].PolicyDocument.Statement,
    );
    expect(statements.length).toBeGreaterThan(20);
    const wide = statements
      .filter(({ Action, Resource }) => JSON.stringify(Action).includes("*") || [Resource].flat().includes("*"))
      .map(({ Action }) => Action);
    expect(wide).toEqual(["ecr:GetAuthorizationToken"]);
  });

  it("have no policy of AWS's own", () => {
    template.allResourcesProperties("AWS::IAM::Role", { ManagedPolicyArns: Match.absent() });
  });
});

describe("the runner", () => {
  it("can not change its image, has time to stop, and is replaced without a gap", () => {
    template.hasResourceProperties("AWS::ECS::TaskDefinition", {
      Cpu: "256",
      Memory: "512",
      RuntimePlatform: { CpuArchitecture: "ARM64" },
      ContainerDefinitions: [Match.objectLike({ ReadonlyRootFilesystem: true, StopTimeout: 120 })],
    });
    template.hasResourceProperties("AWS::ECS::Service", {
      DesiredCount: 1,
      DeploymentConfiguration: {
        DeploymentCircuitBreaker: { Enable: true, Rollback: true },
        MinimumHealthyPercent: 100,
        MaximumPercent: 200,
      },
    });
  });

  it("may protect its own cluster's tasks from being stopped in an upgrade, and no other", () => {
    const [cluster] = Object.values(template.findResources("AWS::ECS::Cluster"));
    const statements = Object.values(template.findResources("AWS::IAM::Policy")).flatMap(
      (policy) => policy["Properties"].PolicyDocument.Statement,
    );
    const ofEcs = statements.filter(({ Action }) => JSON.stringify(Action).includes("ecs:"));
    expect(ofEcs).toEqual([
      {
        Effect: "Allow",
        Action: "ecs:UpdateTaskProtection",
        Resource: {
          "Fn::Join": [
            "",
            [
              "arn:",
              { Ref: "AWS::Partition" },
              ":ecs:",
              { Ref: "AWS::Region" },
              ":",
              { Ref: "AWS::AccountId" },
              `:task/${cluster?.["Properties"].ClusterName}/*`,
            ],
          ],
        },
      },
    ]);
  });

  it("may write down in the bucket which version works", () => {
    const statements = Object.values(template.findResources("AWS::IAM::Policy")).flatMap(
      (policy) => policy["Properties"].PolicyDocument.Statement,
    );
    const ofRecord = statements.filter(({ Resource }) => JSON.stringify(Resource).includes("/runner/current.json"));
    expect(new Set(ofRecord.map(({ Action }) => Action))).toEqual(new Set(["s3:GetObject", "s3:PutObject"]));
  });

  it("starts only once its subnets have a way out, through which it fetches its image", () => {
    const [service] = Object.values(template.findResources("AWS::ECS::Service"));
    const routes = Object.keys(template.findResources("AWS::EC2::Route"));
    expect(routes).toHaveLength(2);
    expect(service?.["DependsOn"]).toEqual(expect.arrayContaining(routes));
  });

  it("starts only once there are keys, which are made anew by no later deployment", () => {
    const [service] = Object.values(template.findResources("AWS::ECS::Service"));
    const [[id, keys] = ["", {}]] = Object.entries<Record<string, unknown>>(
      template.findResources("Custom::DroverKeys"),
    );
    expect(service?.["DependsOn"]).toContain(id);
    expect(keys["Properties"]).toMatchObject({ deployment: "drover", signingKey: { Ref: "SigningKey" } });
  });
});

describe("alarms", () => {
  it("may publish to the topic, and all do", () => {
    template.hasResourceProperties("AWS::SNS::TopicPolicy", {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: "Allow",
            Action: "sns:Publish",
            Principal: { Service: "cloudwatch.amazonaws.com" },
            Condition: { StringEquals: { "aws:SourceAccount": { Ref: "AWS::AccountId" } } },
          }),
        ]),
      },
    });
    const [topic] = Object.keys(template.findResources("AWS::SNS::Topic"));
    template.allResourcesProperties("AWS::CloudWatch::Alarm", { AlarmActions: [{ Ref: topic }] });
  });

  it("are of these conditions, with no more metrics than are free", () => {
    const alarms = Object.values(template.findResources("AWS::CloudWatch::Alarm")).map((alarm) => alarm["Properties"]);
    expect(alarms.map(({ AlarmName }) => String(AlarmName)).toSorted()).toEqual([
      "drover-api-faults",
      "drover-dead-letters",
      "drover-machine-untrusted-or-unreachable",
      "drover-oldest-ready-step",
      "drover-runner-not-running",
      "drover-slot-drift-or-no-sweep",
      "drover-throttles",
      "drover-tokens-refused",
    ]);
    const metricsOf = ({ Metrics }: (typeof alarms)[number]) =>
      Metrics?.filter((each: object) => "MetricStat" in each).length ?? 1;
    expect(alarms.reduce((sum, alarm) => sum + metricsOf(alarm), 0)).toBe(10);
  });

  it("read figures of this deployment, by the names under which functions write them", () => {
    const own = Object.values(template.findResources("AWS::CloudWatch::Alarm"))
      .map((alarm) => alarm["Properties"])
      .filter(({ Namespace }) => Namespace === "Drover");
    const deployment = { Name: "deployment", Value: "drover" };
    const sweep = [deployment, { Name: "service", Value: "drover-sweep" }];
    expect(Object.fromEntries(own.map(({ MetricName, Dimensions }) => [MetricName, Dimensions]))).toEqual({
      OldestReadyStep: sweep,
      MachinesUnfit: sweep,
      SlotDrift: sweep,
      Refused: [deployment, { Name: "service", Value: "drover-authorize" }],
    });
  });
});

describe("the dashboard", () => {
  it("has no more metrics than a free one may have", () => {
    const [dashboard] = Object.values(template.findResources("AWS::CloudWatch::Dashboard"));
    const parts: unknown[] = dashboard?.["Properties"]?.DashboardBody["Fn::Join"][1] ?? [];
    const { widgets } = JSON.parse(parts.map((part) => (typeof part === "string" ? part : "reference")).join(""));
    const metrics: unknown[][] = widgets.flatMap(
      (widget: { properties: { metrics?: unknown[][] } }) => widget.properties.metrics ?? [],
    );
    // A search finds the seven things that sweep repairs.
    const sizes = metrics.map(([first]) => (typeof first === "object" ? 7 : 1));
    expect(metrics.length).toBeGreaterThan(30);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(50);
  });
});
