import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { maximumTargets } from "../../lambdas/api/schema/builds.ts";
import { DroverError } from "../../nix/drover-error.ts";
import type { ApiClient } from "../api/client.ts";
import { submitBuild } from "../api/operations.ts";
import { createIdempotencyKey } from "../build/idempotency-key.ts";
import { instantiate, type Wanted } from "../build/instantiate.ts";
import { LocalStore } from "../build/local-store.ts";
import { wantedOutputs } from "../build/local-outputs.ts";
import { provideClosure } from "../build/provide.ts";
import { seeThrough } from "../build/see-through.ts";
import { parseTarget } from "../build/target.ts";
import { uploadBar } from "../build/upload-bar.ts";
import type { Context } from "../context.ts";
import { exitCode } from "../exit-code.ts";
import { openScreen, type Screen } from "../terminal/screen.ts";
import { count, formatBytes } from "../terminal/units.ts";

export interface BuildCommandOptions {
  readonly attributes: readonly string[];
  readonly nixArguments: readonly string[];
  readonly priority: number;
  readonly detach: boolean;
  readonly keepGoing: boolean;
  readonly outLink: string | undefined;
}

/** Instantiates targets, uploads what the service lacks, submits a build and, unless detached, follows it to its end. */
export async function build(context: Context, texts: readonly string[], options: BuildCommandOptions): Promise<number> {
  const { stdout, stderr, interrupted: signal } = context;
  const client = await context.client();
  const roots = await mkdtemp(join(tmpdir(), "drover-"));
  try {
    const wanted = await instantiateAll(texts, { ...options, roots, signal });
    using screen = openScreen(stderr, process.stderr);
    await using store = await LocalStore.open(signal);
    const outputs = await wantedOutputs(store, wanted);
    await provide(client, store, wanted, screen, signal);
    const submission = {
      targets: mergeTargets(wanted),
      priority: options.priority,
      keepGoing: options.keepGoing,
    };
    const submitted = await submitBuild(client, submission, createIdempotencyKey(Date.now()), {
      signal,
      patience: 30_000,
    });
    screen.print([
      `${screen.output.style.bold(submitted.id)} submitted: ${count(submission.targets.length, "target")}, priority ${submitted.priority}`,
    ]);
    if (options.detach) {
      stdout.line(submitted.id);
      return exitCode.done;
    }
    return await seeThrough(submitted, { client, screen, stdout, signal, outputs, outLink: options.outLink });
  } finally {
    await rm(roots, { recursive: true, force: true });
  }
}

async function instantiateAll(texts: readonly string[], options: Parameters<typeof instantiate>[2]): Promise<Wanted[]> {
  const targets = await Promise.all(texts.map(parseTarget));
  if (
    (options.attributes.length > 0 || options.nixArguments.length > 0) &&
    !targets.some(({ kind }) => kind === "expression")
  ) {
    throw new DroverError(
      "DROVER_USAGE",
      "-A, --arg and --argstr are for files with Nix expressions, and none is given",
      {
        remedy: "Leave them out, or give a .nix file.",
      },
    );
  }
  const wanted: Wanted[] = [];
  for (const [index, target] of targets.entries()) wanted.push(...(await instantiate(target, index, options)));
  if (wanted.length === 0) {
    throw new DroverError("DROVER_TARGET", `there is nothing to build: ${texts.join(" ")} evaluates to no derivation`, {
      remedy: "Name an attribute that is a derivation, with -A.",
    });
  }
  return wanted;
}

/** The same derivation wanted twice is one target with the outputs of both. */
function mergeTargets(wanted: readonly Wanted[]): { drvPath: string; outputs: string[] }[] {
  const outputs = new Map<string, readonly string[]>();
  for (const { drvPath, outputs: names } of wanted) {
    const before = outputs.get(drvPath);
    const all = names.length === 0 || before?.length === 0;
    outputs.set(drvPath, all ? [] : [...new Set([...(before ?? []), ...names])]);
  }
  if (outputs.size > maximumTargets) {
    throw new DroverError(
      "DROVER_USAGE",
      `${outputs.size} targets are more than the ${maximumTargets} that one build may have`,
      {
        remedy: "Build them in several goes.",
      },
    );
  }
  return [...outputs].map(([drvPath, names]) => ({ drvPath, outputs: [...names] }));
}

async function provide(
  client: ApiClient,
  store: LocalStore,
  wanted: readonly Wanted[],
  screen: Screen,
  signal: AbortSignal,
): Promise<void> {
  const { style } = screen.output;
  screen.footer([style.bold("comparing the stores")]);
  await provideClosure(
    client,
    store,
    wanted.map(({ drvPath }) => drvPath),
    {
      signal,
      onPlan: ({ closure, missing, bytes }) => {
        const what = missing === 0 ? "nothing" : `${count(missing, "path")} (${formatBytes(bytes)})`;
        screen.print([`uploading ${what} of ${count(closure, "path")}`]);
      },
      onProgress: (progress) => screen.footer([uploadBar(progress, style)]),
    },
  );
  screen.footer([]);
}
