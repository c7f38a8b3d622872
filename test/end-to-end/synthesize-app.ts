import { join } from "node:path";
import { deployedContext } from "../infra/synthesize.ts";
import { mustRun } from "../machines/run-command.ts";

const app = join(import.meta.dirname, "../../infra/app.ts");

/**
 * Runs the app as `cdk synth` does, with its bundles and its image's context. The built-in validation, which is tested
 * elsewhere and changes no asset, is left out.
 */
export async function synthesizeApp(directory: string): Promise<void> {
  const env = {
    PATH: process.env["PATH"],
    CDK_OUTDIR: directory,
    CDK_CONTEXT_JSON: JSON.stringify(await deployedContext()),
    CDK_VALIDATION: "false",
  };
  await mustRun(process.execPath, [app], { cwd: join(app, "../.."), env });
}
