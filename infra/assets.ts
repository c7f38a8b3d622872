import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Platform } from "aws-cdk-lib/aws-ecr-assets";
import * as ecs from "aws-cdk-lib/aws-ecs";
import * as lambda from "aws-cdk-lib/aws-lambda";
import { bundle } from "./bundling/bundle.ts";
import { bundleFunctions } from "./bundling/bundle-functions.ts";
import type { FunctionCode } from "./functions.ts";

/** Bundles all functions; CDK copies what it takes. @param directory empty; may go once the stack has been made */
export async function bundledFunctions(directory: string): Promise<FunctionCode> {
  const bundles = await bundleFunctions(directory);
  return (name) => lambda.Code.fromAsset(bundles[name].directory);
}

/** The function that only deployments start, which is not of the topology. @param directory as above */
export async function bundledMakeKeys(directory: string): Promise<lambda.Code> {
  const bundled = await bundle({
    modules: ["lambdas/make-keys/handler.ts"],
    directory: join(directory, "make-keys"),
    sourceMaps: join(directory, "source-maps/make-keys"),
  });
  return lambda.Code.fromAsset(bundled.directory);
}

/** Built in a deployment, by the Docker of whoever deploys, from what `.dockerignore` lets through. */
export function runnerImage(): ecs.ContainerImage {
  const root = fileURLToPath(new URL("..", import.meta.url));
  return ecs.ContainerImage.fromAsset(root, { file: "runner/Dockerfile", platform: Platform.LINUX_ARM64 });
}
