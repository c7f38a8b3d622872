import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { billOf } from "../../infra/cost/bill.ts";
import { chargesAtRest } from "../../infra/cost/charges.ts";
import { costPage } from "../../infra/cost/page.ts";
import { synthesize } from "./synthesize.ts";

interface Template {
  readonly Resources: Readonly<Record<string, { readonly Type: string; readonly Properties?: object }>>;
}

let template: Template;
beforeAll(async () => {
  const synthesized = (await synthesize()).toJSON();
  template = { Resources: synthesized["Resources"] };
}, 60_000);

/** The template with one more resource, or another one in its place. */
function withResource(id: string, Type: string, Properties: object = {}): Template {
  return { Resources: { ...template.Resources, [id]: { Type, Properties } } };
}

const atRest = (of: Template) => billOf(chargesAtRest(of));

describe("a month at rest", () => {
  it("costs less than 12 USD", () => {
    const { paid, lines } = atRest(template);
    expect(paid, JSON.stringify(lines, null, 2)).toBeLessThan(12);
    // A processor's quarter, half a GB and an address for 730 hours are most of it, whatever else there is.
    expect(paid).toBeGreaterThan((0.25 * 0.03238 + 0.5 * 0.00356 + 0.005) * 730);
  });

  it.each([
    ["a NAT gateway", "AWS::EC2::NatGateway", {}, 32.85],
    ["a load balancer", "AWS::ElasticLoadBalancingV2::LoadBalancer", {}, 16.43],
    ["an interface endpoint", "AWS::EC2::VPCEndpoint", { VpcEndpointType: "Interface" }, 7.3],
    ["one more secret", "AWS::SecretsManager::Secret", { Name: "x" }, 0.4],
  ])("would cost more with %s", (_, type, properties, more) => {
    expect(atRest(withResource("More", type, properties)).paid - atRest(template).paid).toBeCloseTo(more, 2);
  });

  it("would cost more with a bigger runner", () => {
    const [id = "", task] =
      Object.entries(template.Resources).find(([, { Type }]) => Type === "AWS::ECS::TaskDefinition") ?? [];
    const bigger = withResource(id, "AWS::ECS::TaskDefinition", { ...task?.Properties, Cpu: "512", Memory: "1024" });
    expect(atRest(bigger).paid - atRest(template).paid).toBeCloseTo(7.21, 2);
  });

  it("is charged for each metric of an alarm", () => {
    const metric = { Namespace: "AWS/SQS", MetricName: "X" };
    const Metrics = [{ Expression: "a + b" }, { MetricStat: { Metric: metric } }, { MetricStat: { Metric: metric } }];
    const alarms = (of: Template) => atRest(of).lines.find(({ what }) => what === "Alarms")?.quantity ?? 0;
    expect(alarms(withResource("More", "AWS::CloudWatch::Alarm", { Metrics })) - alarms(template)).toBe(2);
  });

  it("can not be computed with a resource whose price nobody has looked up", () => {
    expect(() => atRest(withResource("Cluster", "AWS::Redshift::Cluster"))).toThrow(
      /what AWS::Redshift::Cluster costs/,
    );
  });
});

it("docs/cost.md is what `node scripts/cost.ts` writes", async () => {
  const page = await readFile(new URL("../../docs/cost.md", import.meta.url), "utf8");
  expect(page).toBe(costPage(page, template));
});
