import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { App } from "aws-cdk-lib";
import { partsOfCdkOut } from "../../../local/parts/cdk-out.ts";
import { createStack, deployedContext } from "../../infra/synthesize.ts";

// A synthesis whose functions are a fixture's, so that nothing is bundled. That real ones run is an end-to-end test.

let scratch: string;
let synthesized: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "drover-parts-"));
  synthesized = join(scratch, "synthesized");
  process.env["CDK_VALIDATION"] = "false";
  const app = new App({ context: await deployedContext(), outdir: synthesized, analyticsReporting: false });
  createStack(app);
  app.synth();
});
afterAll(() => rm(scratch, { recursive: true }));

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(scratch, "cdk-out-"));
});

/** Copies a manifest of the synthesis, changed; its assets stay where they are. */
async function write(file: string, change: (text: string) => string = (text) => text): Promise<void> {
  const text = await readFile(join(synthesized, file), "utf8");
  const elsewhere = text.replaceAll(/"(asset\.[0-9a-f]+)"/g, (_, asset: string) =>
    JSON.stringify(join(synthesized, asset)),
  );
  await writeFile(join(directory, file), change(elsewhere));
}

async function refused(): Promise<unknown> {
  return await partsOfCdkOut(directory, join(directory, "scratch")).then(
    () => "taken",
    (error: unknown) => error,
  );
}

const remedy = expect.stringContaining("npm run synth");

describe("a directory that is given as the output of cdk synth", () => {
  it("is refused when it is not there, or is something else", async () => {
    expect(await refused()).toMatchObject({
      code: "DROVER_CDK_OUT_MISSING",
      message: `${directory} is no output of cdk synth: it has no manifest.json`,
      remedy,
    });
    await writeFile(join(directory, "manifest.json"), '{"name": "a browser extension"}');
    expect(await refused()).toMatchObject({ code: "DROVER_CDK_OUT_OTHER", subject: join(directory, "manifest.json") });
    await writeFile(join(directory, "manifest.json"), "<html>");
    expect(await refused()).toMatchObject({ code: "DROVER_CDK_OUT_OTHER", remedy });
    await write("manifest.json");
    expect(await refused()).toMatchObject({ code: "DROVER_CDK_OUT_MISSING", remedy });
  });

  it("is refused when its stacks are somebody else's", async () => {
    await write("manifest.json");
    await write("Drover.assets.json");
    await writeFile(join(directory, "Drover.template.json"), '{"Resources": {}}');
    expect(await refused()).toMatchObject({
      code: "DROVER_CDK_OUT_STACK",
      message: `${directory} has no stack of Drover's (its stacks: Drover)`,
    });
  });

  it("is refused when it has two of Drover's", async () => {
    await write("manifest.json", (text) => {
      const manifest = JSON.parse(text);
      return JSON.stringify({ artifacts: { ...manifest.artifacts, Second: manifest.artifacts.Drover } });
    });
    await write("Drover.assets.json");
    await write("Drover.template.json");
    expect(await refused()).toMatchObject({
      code: "DROVER_CDK_OUT_STACK",
      message: `${directory} has several stacks of Drover's: Drover, Second`,
    });
  });

  it("is refused when it is of an older Drover that lacks a function", async () => {
    await write("manifest.json");
    await write("Drover.assets.json");
    await write("Drover.template.json", (text) => text.replace('"drover-authorize"', '"drover-other"'));
    expect(await refused()).toMatchObject({
      code: "DROVER_CDK_OUT_PART",
      message: "The synthesized stack has no function authorize",
      remedy,
    });
  });

  it("is refused when an asset is gone", async () => {
    await write("manifest.json");
    await write("Drover.template.json");
    await write("Drover.assets.json", (text) => text.replaceAll(synthesized, join(directory, "moved")));
    expect(await refused()).toMatchObject({
      code: "DROVER_CDK_OUT_PART",
      message: expect.stringMatching(
        /^The synthesized function \w+ is not there: no .*moved\/asset\.[0-9a-f]+\/index.mjs$/,
      ),
    });
  });

  it("is refused when its runner can not be assembled, with the reason", async () => {
    await write("manifest.json");
    await write("Drover.assets.json");
    await write("Drover.template.json");
    await mkdir(join(directory, "scratch/old"), { recursive: true });
    expect(await refused()).toMatchObject({
      code: "DROVER_RUNNER_CONTENT",
      message: expect.stringMatching(/assemble-runner\.ts/),
      remedy,
    });
  });
});
