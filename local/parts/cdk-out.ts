import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import * as z from "zod";
import { type FunctionName, functions } from "../../cloud/topology/functions.ts";
import { DroverError } from "../../nix/drover-error.ts";
import { type CloudAssembly, readCloudAssembly, type Template } from "./cloud-assembly.ts";
import type { Handlers, Parts } from "./parts.ts";
import { assembleRunnerContent } from "./runner-content.ts";

const remedy = "Synthesize the app of this checkout again with `npm run synth`.";

/**
 * The functions and the runner that `cdk synth` has put into a directory: what `cdk deploy` would upload, found as
 * CloudFormation would find it, by the object's key and the image's tag in the template.
 *
 * @param scratch is emptied and gets the runner
 * @throws {DroverError} DROVER_CDK_OUT_MISSING, DROVER_CDK_OUT_OTHER, DROVER_CDK_OUT_STACK, DROVER_CDK_OUT_PART,
 *   DROVER_RUNNER_CONTENT
 */
export async function partsOfCdkOut(directory: string, scratch: string): Promise<Parts> {
  const assembly = await readCloudAssembly(directory);
  const template = droverStack(assembly, directory);
  const [api, authorize, plan, schedule, sweep, context] = await Promise.all([
    functionFile(assembly, template, "api"),
    functionFile(assembly, template, "authorize"),
    functionFile(assembly, template, "plan"),
    functionFile(assembly, template, "schedule"),
    functionFile(assembly, template, "sweep"),
    runnerContext(assembly, template),
  ]);
  return {
    runner: await assembleRunnerContent(context, scratch),
    async loadFunctions() {
      const handlers = await Promise.all([
        load("api", api),
        load("authorize", authorize),
        load("plan", plan),
        load("schedule", schedule),
        load("sweep", sweep),
      ]);
      return { api: handlers[0], authorize: handlers[1], plan: handlers[2], schedule: handlers[3], sweep: handlers[4] };
    },
  };
}

const functionProperties = z.object({
  FunctionName: z.string(),
  Code: z.object({ S3Key: z.string() }),
  Handler: z.literal("index.handler"),
  Environment: z.object({ Variables: z.object({ DROVER_NAME: z.string() }) }),
});

/** The functions of the topology, which have the deployment's name in their own. */
function deployedFunctions({ Resources }: Template): Map<string, z.output<typeof functionProperties>> {
  const found = Object.values(Resources)
    .filter(({ Type }) => Type === "AWS::Lambda::Function")
    .flatMap(({ Properties }) => functionProperties.safeParse(Properties).data ?? []);
  const names = Object.keys(functions);
  return new Map(
    names.flatMap((name) => {
      const called = found.find(
        ({ FunctionName, Environment }) => FunctionName === `${Environment.Variables.DROVER_NAME}-${name}`,
      );
      return called === undefined ? [] : [[name, called]];
    }),
  );
}

function droverStack({ stacks }: CloudAssembly, directory: string): Template {
  const ours = stacks.filter(({ template }) => deployedFunctions(template).size > 0);
  const [stack, ...others] = ours;
  if (stack !== undefined && others.length === 0) return stack.template;
  const there = (stack === undefined ? stacks : ours).map(({ name }) => name).join(", ") || "none";
  const message =
    stack === undefined
      ? `${directory} has no stack of Drover's (its stacks: ${there})`
      : `${directory} has several stacks of Drover's: ${there}`;
  throw new DroverError("DROVER_CDK_OUT_STACK", message, {
    subject: directory,
    remedy: "Name the output of an app with one of them, such as that of `npm run synth`.",
  });
}

async function functionFile({ assets }: CloudAssembly, template: Template, name: FunctionName): Promise<string> {
  const key = deployedFunctions(template).get(name)?.Code.S3Key;
  return await existing(join(assetOf(assets, key, `function ${name}`), "index.mjs"), `function ${name}`);
}

const runnerProperties = z.object({
  ContainerDefinitions: z.tuple([z.object({ Name: z.literal("runner"), Image: z.object({ "Fn::Sub": z.string() }) })]),
});

/** What Docker would be given to build the runner's image from. */
async function runnerContext({ assets }: CloudAssembly, { Resources }: Template): Promise<string> {
  const image = Object.values(Resources)
    .filter(({ Type }) => Type === "AWS::ECS::TaskDefinition")
    .map(({ Properties }) => runnerProperties.safeParse(Properties).data?.ContainerDefinitions[0].Image["Fn::Sub"])
    .find((name) => name !== undefined);
  return await existing(assetOf(assets, image?.split(":").at(-1), "runner"), "runner");
}

function assetOf(assets: CloudAssembly["assets"], key: string | undefined, part: string): string {
  const path = assets.get(key ?? "");
  if (path !== undefined) return path;
  throw new DroverError("DROVER_CDK_OUT_PART", `The synthesized stack has no ${part}`, { subject: part, remedy });
}

async function existing(path: string, part: string): Promise<string> {
  try {
    await stat(path);
    return path;
  } catch (cause) {
    const message = `The synthesized ${part} is not there: no ${path}`;
    throw new DroverError("DROVER_CDK_OUT_PART", message, { subject: path, remedy, cause });
  }
}

async function load<Name extends FunctionName>(name: Name, file: string): Promise<Handlers[Name]> {
  const { handler }: { handler?: Handlers[Name] } = await import(pathToFileURL(file).href);
  if (typeof handler === "function") return handler;
  throw new DroverError("DROVER_CDK_OUT_PART", `The synthesized function ${name} exports no handler`, {
    subject: basename(file),
    remedy,
  });
}
