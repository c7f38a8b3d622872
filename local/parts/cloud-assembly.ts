import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import * as z from "zod";
import { DroverError } from "../../nix/drover-error.ts";

// What a cloud assembly says of itself (aws-cdk-lib 2.276.0, cloud-assembly-schema), as far as it matters here.

const manifest = z.object({
  artifacts: z.record(
    z.string(),
    z.object({
      type: z.string(),
      properties: z.object({ templateFile: z.string().optional(), file: z.string().optional() }).optional(),
    }),
  ),
});

const assetManifest = z.object({
  files: z.record(
    z.string(),
    z.object({
      source: z.object({ path: z.string().optional() }),
      destinations: z.record(z.string(), z.object({ objectKey: z.string() })),
    }),
  ),
  dockerImages: z.record(
    z.string(),
    z.object({
      source: z.object({ directory: z.string().optional() }),
      destinations: z.record(z.string(), z.object({ imageTag: z.string() })),
    }),
  ),
});

const template = z.object({
  Resources: z.record(z.string(), z.object({ Type: z.string(), Properties: z.unknown() })),
});

export type Template = z.output<typeof template>;

/** What `cdk synth` leaves: templates, and beside them the directories that a deployment uploads. */
export interface CloudAssembly {
  readonly stacks: readonly { readonly name: string; readonly template: Template }[];
  /** Directories of assets, by the key of the object or the tag of the image that a deployment makes of them. */
  readonly assets: ReadonlyMap<string, string>;
}

/** @throws {DroverError} DROVER_CDK_OUT_MISSING, DROVER_CDK_OUT_OTHER */
export async function readCloudAssembly(directory: string): Promise<CloudAssembly> {
  const { artifacts } = await readJson(directory, "manifest.json", manifest);
  const stacks: { name: string; template: Template }[] = [];
  const assets = new Map<string, string>();
  for (const [name, { type, properties }] of Object.entries(artifacts)) {
    if (type === "aws:cloudformation:stack") {
      stacks.push({ name, template: await readJson(directory, properties?.templateFile ?? "", template) });
    } else if (type === "cdk:asset-manifest") {
      const { files, dockerImages } = await readJson(directory, properties?.file ?? "", assetManifest);
      for (const { source, destinations } of Object.values(files)) {
        const path = resolve(directory, source.path ?? "");
        for (const { objectKey } of Object.values(destinations)) assets.set(objectKey, path);
      }
      for (const { source, destinations } of Object.values(dockerImages)) {
        const path = resolve(directory, source.directory ?? "");
        for (const { imageTag } of Object.values(destinations)) assets.set(imageTag, path);
      }
    }
  }
  return { stacks, assets };
}

async function readJson<Shape>(directory: string, file: string, shape: z.ZodType<Shape>): Promise<Shape> {
  try {
    return shape.parse(JSON.parse(await readFile(join(directory, file), "utf8")));
  } catch (cause) {
    const isMissing =
      cause instanceof Error && "code" in cause && (cause.code === "ENOENT" || cause.code === "ENOTDIR");
    const remedy = "Make one with `npm run synth`, whose output is cdk.out, and name that directory.";
    if (isMissing) {
      const message = `${directory} is no output of cdk synth: it has no ${file}`;
      throw new DroverError("DROVER_CDK_OUT_MISSING", message, { subject: join(directory, file), remedy, cause });
    }
    const message = `${join(directory, file)} is not as cdk synth writes it`;
    throw new DroverError("DROVER_CDK_OUT_OTHER", message, { subject: join(directory, file), remedy, cause });
  }
}
