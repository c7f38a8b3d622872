import { mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { App, type Environment } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import * as ecs from "aws-cdk-lib/aws-ecs";
import * as lambda from "aws-cdk-lib/aws-lambda";
import { DroverStack } from "../../infra/drover-stack.ts";
import { parseOptions } from "../../infra/options.ts";

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

/** The context of cdk.json: the flags under which `cdk synth` runs. */
export async function deployedContext(): Promise<Record<string, unknown>> {
  const text = await readFile(new URL("../../cdk.json", import.meta.url), "utf8");
  return JSON.parse(text).context;
}

/**
 * The stack as `cdk synth` makes it, but for its bundles and its image: what those contain is tested elsewhere, and takes
 * time to make.
 */
export function createStack(app: App, options: unknown = {}, env?: Environment): DroverStack {
  return new DroverStack(app, "Drover", {
    stackName: "drover",
    ...(env && { env }),
    options: parseOptions(options),
    functionCode: () => lambda.Code.fromAsset(fixture("function")),
    makeKeysCode: lambda.Code.fromAsset(fixture("function")),
    runnerImage: ecs.ContainerImage.fromAsset(fixture("runner")),
  });
}

/** Its template, without the built-in validation: that takes seconds, and is tested once (`checks.test.ts`). */
export async function synthesize(options: unknown = {}): Promise<Template> {
  process.env["CDK_VALIDATION"] = "false";
  await using out = await mkdtempDisposable(join(tmpdir(), "drover-synth-"));
  const app = new App({ context: await deployedContext(), outdir: out.path, analyticsReporting: false });
  return Template.fromStack(createStack(app, options));
}
