import { DroverError } from "../../nix/drover-error.ts";
import { type Charge, hours, pollsOfMonth } from "./charge.ts";
import { chargesOfSchedule } from "./charges-of-schedule.ts";
import { chargesOfService } from "./charges-of-service.ts";
import { customMetrics, isFreeDashboard, metricsOf } from "./charges-of-metrics.ts";
import { connectionsOfMapping } from "./measured.ts";
import type { Priced } from "./prices.ts";
import { type Resource, resourcesOf } from "./template.ts";

/** Cost nothing by being there: free of charge, or paid by use alone, which is small or none at rest. */
const free = new Set([
  "AWS::ApiGatewayV2::Api",
  "AWS::ApiGatewayV2::Authorizer",
  "AWS::ApiGatewayV2::Integration",
  "AWS::ApiGatewayV2::Route",
  "AWS::ApiGatewayV2::Stage",
  "AWS::DynamoDB::Table",
  "AWS::EC2::InternetGateway",
  "AWS::EC2::Route",
  "AWS::EC2::RouteTable",
  "AWS::EC2::SecurityGroup",
  "AWS::EC2::Subnet",
  "AWS::EC2::SubnetRouteTableAssociation",
  "AWS::EC2::VPC",
  "AWS::EC2::VPCGatewayAttachment",
  "AWS::ECS::Cluster",
  "AWS::IAM::Policy",
  "AWS::IAM::Role",
  "AWS::Lambda::EventInvokeConfig",
  "AWS::Lambda::Function",
  "AWS::Lambda::Permission",
  "AWS::Logs::LogGroup",
  "AWS::S3::Bucket",
  "AWS::S3::BucketPolicy",
  "AWS::SNS::Subscription",
  "AWS::SNS::Topic",
  "AWS::SNS::TopicPolicy",
  "AWS::SQS::Queue",
  "AWS::SQS::QueuePolicy",
  "Custom::DroverKeys",
]);

type Charging = (resource: Resource, all: readonly Resource[]) => readonly Charge[];

const perHour =
  (what: string, price: Priced): Charging =>
  () => [{ what, price, quantity: hours }];

const charged: Readonly<Record<string, Charging>> = {
  "AWS::ECS::TaskDefinition": () => [],
  "AWS::ECS::Service": ({ properties }, all) => chargesOfService(properties, all),
  "AWS::SecretsManager::Secret": ({ properties }) => [
    { what: `Secret ${String(properties["Name"])}`, price: "secret", quantity: 1 },
  ],
  "AWS::CloudWatch::Alarm": ({ properties }) => [
    { what: "Alarms", price: "alarmMetric", quantity: metricsOf(properties).length },
  ],
  "AWS::CloudWatch::Dashboard": ({ properties }) => [
    { what: "Dashboard", price: isFreeDashboard(properties) ? "dashboard" : "largeDashboard", quantity: 1 },
  ],
  "AWS::Lambda::EventSourceMapping": () => [
    {
      what: "SQS: Lambda asks whether there is something to do",
      price: "queueRequests",
      quantity: connectionsOfMapping * pollsOfMonth,
    },
  ],
  "AWS::Events::Rule": ({ properties }, all) => chargesOfSchedule(properties, all),
  "AWS::EC2::VPCEndpoint": ({ properties }) =>
    properties["VpcEndpointType"] === "Gateway"
      ? []
      : [{ what: "VPC endpoint", price: "interfaceEndpoint", quantity: hours }],
  "AWS::EC2::NatGateway": perHour("NAT gateway", "natGateway"),
  "AWS::EC2::EIP": perHour("Elastic IP address", "publicIpv4"),
  "AWS::ElasticLoadBalancingV2::LoadBalancer": perHour("Load balancer", "loadBalancer"),
};

/**
 * What a month of a deployment costs that nobody uses, with a fleet that is well: what stands there, and what it does by
 * itself. Everything comes from the template, but for what a template can not say (`measured.ts`).
 *
 * @param synthesized the template, as parsed JSON
 * @throws {DroverError} DROVER_COST_UNKNOWN where it has a type of resource whose price nobody has looked up
 */
export function chargesAtRest(synthesized: unknown): readonly Charge[] {
  const all = resourcesOf(synthesized);
  return merge([...all.flatMap((resource) => chargesOf(resource, all)), ...customMetrics(all)]);
}

function chargesOf(resource: Resource, all: readonly Resource[]): readonly Charge[] {
  const charging = charged[resource.type];
  if (charging !== undefined) return charging(resource, all);
  if (free.has(resource.type)) return [];
  throw new DroverError("DROVER_COST_UNKNOWN", `Nobody has said what ${resource.type} costs.`, {
    subject: resource.id,
    remedy: "Say so in infra/cost/charges.ts, with its price in infra/cost/prices.ts.",
  });
}

function merge(charges: readonly Charge[]): readonly Charge[] {
  const groups = Map.groupBy(charges, ({ what, price }) => `${what} ${price}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    const quantity = group.reduce((sum, charge) => sum + charge.quantity, 0);
    return first === undefined || quantity === 0 ? [] : [{ ...first, quantity }];
  });
}
