import { Validations } from "aws-cdk-lib";
import * as ec2 from "aws-cdk-lib/aws-ec2";
import type { Construct } from "constructs";
import type { Options } from "./options.ts";

export interface Network {
  readonly vpc: ec2.IVpc;
  /** The runner's: it calls, and nobody calls it. */
  readonly securityGroup: ec2.SecurityGroup;
}

/**
 * Public subnets and nothing that is paid by the hour: no NAT gateway, no load balancer, no interface endpoint. The
 * runner has a public address of its own, and the security group lets nobody in.
 */
export function createNetwork(scope: Construct, { name, vpcId }: Options): Network {
  const vpc = vpcId === undefined ? ownVpc(scope) : ec2.Vpc.fromLookup(scope, "Vpc", { vpcId });
  const securityGroup = new ec2.SecurityGroup(scope, "RunnerSecurityGroup", {
    vpc,
    description: `${name}: the runner calls machines and AWS; nothing may call it`,
    // Machines' lines name any host and any port.
    allowAllOutbound: true,
  });
  return { vpc, securityGroup };
}

function ownVpc(scope: Construct): ec2.Vpc {
  const vpc = new ec2.Vpc(scope, "Vpc", {
    maxAzs: 2,
    natGateways: 0,
    subnetConfiguration: [{ name: "runner", subnetType: ec2.SubnetType.PUBLIC, cidrMask: 24 }],
    // Would be done by a function of the CDK's with wider permissions; nothing in here uses the default group.
    restrictDefaultSecurityGroup: false,
    // S3 and DynamoDB without leaving AWS's network; these endpoints are free.
    gatewayEndpoints: {
      S3: { service: ec2.GatewayVpcEndpointAwsService.S3 },
      DynamoDb: { service: ec2.GatewayVpcEndpointAwsService.DYNAMODB },
    },
  });
  Validations.of(vpc).acknowledge({
    id: "AwsSolutions-VPC7",
    reason:
      "One task lives here that nobody can call; what it does is in its own log. Flow logs cost by the gigabyte of NARs.",
  });
  return vpc;
}
