import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { bundledFunctions, runnerImage } from "./assets.ts";
import { DroverStack } from "./drover-stack.ts";
import { parseOptions } from "./options.ts";

/** What `cdk synth` and `cdk deploy` run. Needs neither network nor Docker, but to look up a VPC of the owner's. */
const app = new App();
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
const options = parseOptions(app.node.tryGetContext("drover"));
await using bundles = await mkdtempDisposable(join(tmpdir(), "drover-bundles-"));
const functionCode = await bundledFunctions(bundles.path);
new DroverStack(app, "Drover", {
  stackName: options.name,
  options,
  functionCode,
  makeKeysCode: functionCode("make-keys"),
  runnerImage: runnerImage(),
  // A look-up must know where; all else can be deployed anywhere.
  ...(options.vpcId !== undefined && {
    env: { account: process.env["CDK_DEFAULT_ACCOUNT"], region: process.env["CDK_DEFAULT_REGION"] },
  }),
});
app.synth();
