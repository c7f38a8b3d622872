import { mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, Stack, Validations } from "aws-cdk-lib";
import * as sqs from "aws-cdk-lib/aws-sqs";
import { AwsSolutionsChecks } from "cdk-nag";
import { describe, expect, it } from "vitest";
import { createStack, deployedContext } from "./synthesize.ts";

interface Report {
  readonly pluginReports: readonly {
    readonly violations: readonly {
      readonly ruleName: string;
      readonly violatingConstructs: readonly { readonly constructPath: string }[];
    }[];
  }[];
}

describe("the stack", () => {
  it("passes CloudFormation's validation, the CDK's default rules and AwsSolutions, which find what is wrong elsewhere", async () => {
    process.env["CDK_VALIDATION"] = "true";
    await using out = await mkdtempDisposable(join(tmpdir(), "drover-checks-"));
    const app = new App({ context: await deployedContext(), outdir: out.path, analyticsReporting: false });
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    createStack(app);
    const careless = new Stack(app, "Careless");
    new sqs.CfnQueue(careless, "Queue", { messageRetentionPeriod: 5 });
    expect(() => app.synth()).toThrow("Careless/Queue");

    const report: Report = JSON.parse(await readFile(join(out.path, "validation-report.json"), "utf8"));
    const found = report.pluginReports.flatMap(({ violations }) =>
      violations.flatMap(({ ruleName, violatingConstructs }) =>
        violatingConstructs.map(({ constructPath }) => `${ruleName} ${constructPath}`),
      ),
    );
    expect(found.filter((each) => !each.includes("Careless/"))).toEqual([]);
    expect(
      found.some((each) => each.startsWith("AwsSolutions-SQS4 ")),
      found.join("\n"),
    ).toBe(true);
    expect(
      found.some((each) => /^[EF]\d{4} /.test(each)),
      found.join("\n"),
    ).toBe(true);
  }, 120_000);

  it("passes them in a VPC of the owner's, too, where the stack knows its account and region", async () => {
    process.env["CDK_VALIDATION"] = "false";
    await using out = await mkdtempDisposable(join(tmpdir(), "drover-checks-"));
    const app = new App({ context: await deployedContext(), outdir: out.path, analyticsReporting: false });
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    const stack = createStack(app, { vpcId: "vpc-12345" }, { account: "123456789012", region: "eu-central-1" });
    app.synth();
    expect(stack.region).toBe("eu-central-1");
  }, 60_000);
});
