import { fileURLToPath } from "node:url";
import { Platform } from "aws-cdk-lib/aws-ecr-assets";
import * as ecs from "aws-cdk-lib/aws-ecs";
import * as lambda from "aws-cdk-lib/aws-lambda";
import { type BundledFunction, bundleFunctions } from "./bundling/bundle-functions.ts";

/** Bundles all functions; CDK copies what it takes. @param directory empty; may go once the stack has been made */
export async function bundledFunctions(directory: string): Promise<(name: BundledFunction) => lambda.Code> {
  const bundles = await bundleFunctions(directory);
  return (name) => lambda.Code.fromAsset(bundles[name].directory);
}

/** Built in a deployment, by the Docker of whoever deploys, from what `.dockerignore` lets through. */
export function runnerImage(): ecs.ContainerImage {
  const root = fileURLToPath(new URL("..", import.meta.url));
  return ecs.ContainerImage.fromAsset(root, { file: "runner/Dockerfile", platform: Platform.LINUX_ARM64 });
}
