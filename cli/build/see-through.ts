import type { Build } from "../../lambdas/api/schema/builds.ts";
import type { Step } from "../../lambdas/api/schema/steps.ts";
import { DroverError } from "../../nix/drover-error.ts";
import { type StorePath, storePathHash } from "../../nix/store-path.ts";
import type { ApiClient } from "../api/client.ts";
import { getStep } from "../api/operations.ts";
import { exitCode } from "../exit-code.ts";
import type { Output } from "../terminal/output.ts";
import type { Screen } from "../terminal/screen.ts";
import { BuildView } from "./build-view.ts";
import { failedStepLines, summaryLine } from "./failure-report.ts";
import { BuildFollower } from "./follow.ts";
import type { WantedOutput } from "./local-outputs.ts";
import { fetchAndLink, linkNames } from "./out-link.ts";
import { BuildProgress } from "./progress.ts";
import { buildExitCode } from "./verdict.ts";

interface SeeThroughOptions {
  readonly client: ApiClient;
  readonly screen: Screen;
  /** For the output paths. */
  readonly stdout: Output;
  readonly signal: AbortSignal;
  readonly outputs: readonly WantedOutput[];
  readonly outLink: string | undefined;
}

/** Follows a submitted build and reports its end. @returns the exit code */
export async function seeThrough(submitted: Build, options: SeeThroughOptions): Promise<number> {
  const { client, screen, stdout, signal, outLink } = options;
  const { style } = screen.output;
  const progress = new BuildProgress(submitted);
  try {
    const build = await follow(client, progress, screen, signal);
    const took = Date.parse(build.finishedAt ?? build.createdAt) - Date.parse(build.createdAt);
    if (build.state === "failed") {
      const code = await reportFailure(client, build, progress, screen, signal);
      screen.print([summaryLine(build, progress, took, style)]);
      return code;
    }
    screen.print([summaryLine(build, progress, took, style)]);
    const targets = await resolveOutputs(client, options.outputs, signal);
    if (outLink !== undefined) await fetchAndLink(client.service, linkNames(outLink, targets), signal);
    // The screen draws with a delay; what is on standard output comes last.
    screen[Symbol.dispose]();
    for (const { path } of targets.flat()) stdout.line(path);
    return exitCode.done;
  } catch (error) {
    throw comeBack(error, submitted.id, signal);
  }
}

async function follow(client: ApiClient, progress: BuildProgress, screen: Screen, signal: AbortSignal): Promise<Build> {
  using view = new BuildView(screen, progress);
  return await new BuildFollower(client, progress, view, screen.output.style, signal).follow();
}

async function reportFailure(
  client: ApiClient,
  { failure }: Build,
  progress: BuildProgress,
  screen: Screen,
  signal: AbortSignal,
): Promise<number> {
  const { style } = screen.output;
  if (failure?.kind === "refused") {
    screen.print([`${style.red("error:")} ${failure.message} (${failure.code})`]);
    if (failure.remedy !== undefined) screen.print([`${style.cyan("remedy:")} ${failure.remedy}`]);
    return exitCode.failed;
  }
  const ids = new Set([
    ...progress.steps.filter(({ state }) => state === "failed").map(({ step }) => step),
    ...(failure?.steps ?? []).map(({ step }) => step),
  ]);
  const failed: Step[] = [];
  for (const id of ids) failed.push(await getStep(client, id, { signal, patience: 30_000 }));
  for (const step of failed) screen.print(["", ...failedStepLines(step, style)]);
  screen.print([""]);
  return buildExitCode(failed.flatMap((step) => (step.failure === undefined ? [] : [step.failure])));
}

/** Outputs by target; paths that follow from the contents are asked of the service, which has built them. */
async function resolveOutputs(
  client: ApiClient,
  outputs: readonly WantedOutput[],
  signal: AbortSignal,
): Promise<{ name: string; path: StorePath }[][]> {
  const targets = new Map<StorePath, { name: string; path: StorePath }[]>();
  for (const { drvPath, name, path } of outputs) {
    const known = path ?? (await builtPath(client, drvPath, name, signal));
    targets.set(drvPath, [...(targets.get(drvPath) ?? []), { name, path: known }]);
  }
  return [...targets.values()];
}

async function builtPath(client: ApiClient, drvPath: StorePath, name: string, signal: AbortSignal): Promise<StorePath> {
  const { attempts } = await getStep(client, storePathHash(drvPath), { signal, patience: 30_000 });
  for (const { outcome } of attempts.toReversed()) {
    const output = outcome?.kind === "built" ? outcome.outputs.find((output) => output.name === name) : undefined;
    if (output !== undefined) return output.path;
  }
  throw new DroverError("DROVER_OUTPUT_UNKNOWN", `the path of output '${name}' of ${drvPath} is not known`, {
    subject: drvPath,
    remedy: "Use derivations whose output paths are known before they are built.",
  });
}

/** Whatever ends the following does not end the build. */
function comeBack(error: unknown, id: string, signal: AbortSignal): unknown {
  const remedy = `Come back to it with \`drover builds show ${id}\`.`;
  if (signal.aborted) {
    return new DroverError("DROVER_INTERRUPTED", `interrupted; build ${id} goes on without you`, {
      subject: id,
      remedy,
    });
  }
  if (!(error instanceof DroverError) || error.code !== "DROVER_UNREACHABLE") return error;
  return new DroverError(error.code, `${error.message}; build ${id} goes on`, { subject: id, remedy, cause: error });
}
