import { readdirSync } from "node:fs";
import { access, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import * as ecs from "aws-cdk-lib/aws-ecs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runnerImage } from "../../../infra/assets.ts";
import { deployedContext, synthesize } from "../synthesize.ts";

// Docker runs in a deployment only. What can be known without it: that the file asks for nothing that is not there, and
// agrees with the task that runs the image.

interface Instruction {
  readonly word: string;
  readonly rest: string;
}

let out: string;
/** What Docker is given. */
let context: string;
let stages: Instruction[][];
let defaults: ReadonlyMap<string, string>;
/** The runner's container, as ECS runs it. */
let container: Record<string, unknown>;

beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), "drover-dockerfile-"));
  const app = new App({ context: await deployedContext(), outdir: out, analyticsReporting: false });
  const stack = new Stack(app, "Image");
  new ecs.FargateTaskDefinition(stack, "Task").addContainer("runner", { image: runnerImage() });
  Template.fromStack(stack);
  context = join(out, readdirSync(out).find((name) => name.startsWith("asset.")) ?? "none");
  const all = instructions(await readFile(join(context, "runner/Dockerfile"), "utf8"));
  const first = all.findIndex(({ word }) => word === "FROM");
  defaults = new Map(all.slice(0, first).map(({ rest }) => [rest.split("=")[0] ?? "", rest.split("=")[1] ?? ""]));
  stages = [];
  for (const instruction of all.slice(first)) {
    if (instruction.word === "FROM") stages.push([]);
    stages.at(-1)?.push(instruction);
  }
  const task = Object.values((await synthesize()).findResources("AWS::ECS::TaskDefinition"))[0];
  container = task?.["Properties"].ContainerDefinitions[0];
}, 60_000);
afterAll(() => rm(out, { recursive: true }));

function instructions(dockerfile: string): Instruction[] {
  const lines = dockerfile
    .replaceAll(/^\s*#.*\n/gm, "")
    .replaceAll(/\\\n/g, " ")
    .split("\n");
  return lines.flatMap((line) => {
    const [, word = "", rest = ""] = /^([A-Z]+)\s+(.*)$/.exec(line.trim()) ?? [];
    return word === "" ? [] : [{ word, rest: rest.trim() }];
  });
}

const all = (word: string): string[] =>
  stages.flat().flatMap((instruction) => (instruction.word === word ? [instruction.rest] : []));
const last = (word: string): string | undefined =>
  stages.at(-1)?.findLast((instruction) => instruction.word === word)?.rest;

describe("the runner's Dockerfile", () => {
  it("copies what the context has, or what an earlier stage may have made", async () => {
    const names = all("FROM").map((rest) => / AS (\w+)$/.exec(rest)?.[1]);
    const copies = stages.flatMap((stage, index) =>
      stage
        .filter(({ word }) => word === "COPY")
        .map(({ rest }) => {
          const [, from] = /--from=(\S+)/.exec(rest) ?? [];
          const sources = rest.split(/\s+/).filter((each) => !each.startsWith("--"));
          return { index, from, sources: sources.slice(0, -1) };
        }),
    );
    for (const { index, from } of copies.filter(({ from }) => from !== undefined)) {
      expect(names.slice(0, index)).toContain(from);
    }
    const sources = copies.filter(({ from }) => from === undefined).flatMap(({ sources }) => sources);
    expect(sources.length).toBeGreaterThan(1);
    for (const source of sources) await access(join(context, source));
  });

  it("runs what the context has", async () => {
    const programs = all("RUN").flatMap((rest) => [...rest.matchAll(/node (\S+\.ts)/g)].map(([, file = ""]) => file));
    expect(programs).toEqual(["infra/bundling/assemble-runner.ts"]);
    for (const program of programs) await access(join(context, program));
  });

  it("is given no installed packages, no tests and no secrets", () => {
    expect(readdirSync(context).toSorted()).toEqual(
      [
        ".dockerignore",
        ".npmrc",
        "cloud",
        "fleet",
        "infra",
        "nix",
        "package-lock.json",
        "package.json",
        "runner",
      ].toSorted(),
    );
  });

  it("compiles with the Node and the Debian that the image runs", () => {
    const images = all("FROM").map((rest) =>
      rest
        .replace(/^--platform=\S+ /, "")
        .replace(/ AS \w+$/, "")
        .replace(/^\$\{(\w+)\}$/, (_, name: string) => defaults.get(name) ?? "none"),
    );
    const [major] = process.versions.node.split(".");
    expect(images).toEqual([`node:${major}-bookworm`, `node:${major}-bookworm`, `node:${major}-bookworm-slim`]);
  });

  it("runs nothing in the image's own stage, which is of another platform than the one that builds", () => {
    expect(stages.at(-1)?.filter(({ word }) => word === "RUN")).toEqual([]);
  });

  it("starts node itself, which then gets the signals, as a user who is not root", () => {
    expect(JSON.parse(last("ENTRYPOINT") ?? "")).toEqual(["node", "/drover/index.mjs"]);
    expect(last("CMD")).toBeUndefined();
    expect(last("USER")).toBe("node");
    expect(last("STOPSIGNAL")).toBe("SIGTERM");
  });

  it("agrees with the task: the same health check, and a volume for all that is written", () => {
    const health = Object(container["HealthCheck"]);
    const [, options = "", command = ""] = /^(.*) CMD (\[.*\])$/.exec(last("HEALTHCHECK") ?? "") ?? [];
    expect(health.Command).toEqual(["CMD", ...JSON.parse(command)]);
    expect(options.split(" ").toSorted()).toEqual(
      [
        `--interval=${health.Interval}s`,
        `--retries=${health.Retries}`,
        `--start-period=${health.StartPeriod}s`,
        `--timeout=${health.Timeout}s`,
      ].toSorted(),
    );
    expect(container).toMatchObject({
      ReadonlyRootFilesystem: true,
      MountPoints: [{ ContainerPath: JSON.parse(last("VOLUME") ?? "")[0], ReadOnly: false }],
    });
    expect(last("WORKDIR")).toBe(JSON.parse(last("VOLUME") ?? "")[0]);
    expect(container["User"]).toBeUndefined();
    expect(container["EntryPoint"]).toBeUndefined();
  });
});
