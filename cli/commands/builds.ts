import type { Build, BuildStep, BuildWithCounts } from "../../lambdas/api/schema/builds.ts";
import { getBuild, listBuilds, listBuildSteps } from "../api/operations.ts";
import { failureText } from "../build/step-text.ts";
import type { Context } from "../context.ts";
import { exitCode } from "../exit-code.ts";
import { writeJson } from "../terminal/output.ts";
import type { Style } from "../terminal/style.ts";
import { factLines, tableLines } from "../terminal/table.ts";
import { formatDuration } from "../terminal/units.ts";

export async function buildsList(
  context: Context,
  { json = false, limit }: { readonly json?: boolean; readonly limit: number },
): Promise<number> {
  const { stdout, stderr, interrupted: signal } = context;
  const page = await listBuilds(await context.client(), { limit }, { signal });
  if (json) {
    writeJson(stdout, page);
    return exitCode.done;
  }
  for (const line of buildListLines(page.builds, Date.now(), stdout.style)) stdout.line(line);
  if (page.builds.length === 0) stderr.line("no builds yet: drover build TARGET");
  if (page.next !== undefined) stderr.line(`there are older builds: drover builds list --limit ${limit * 2}`);
  return exitCode.done;
}

export async function buildsShow(
  context: Context,
  id: string,
  { json = false }: { readonly json?: boolean },
): Promise<number> {
  const { stdout, interrupted: signal } = context;
  const client = await context.client();
  const build = await getBuild(client, id, { signal });
  const steps = await Array.fromAsync(listBuildSteps(client, id, { signal }));
  if (json) writeJson(stdout, { build, steps });
  else for (const line of buildLines(build, steps, Date.now(), stdout.style)) stdout.line(line);
  return exitCode.done;
}

export function buildListLines(builds: readonly Build[], now: number, style: Style): string[] {
  const rows = builds.map((build) => [
    build.id,
    stateText(build.state, style),
    String(build.targetCount),
    String(build.priority),
    build.submitter,
    build.createdAt,
    duration(build, now),
  ]);
  return tableLines(["BUILD", "STATE", "TARGETS", "PRIORITY", "SUBMITTER", "CREATED", "TOOK"], rows, style);
}

export function buildLines(build: BuildWithCounts, steps: readonly BuildStep[], now: number, style: Style): string[] {
  const counts = Object.entries(build.steps).filter(([, amount]) => amount > 0);
  const facts = factLines(
    [
      ["state", stateText(build.state, style)],
      ["submitter", build.submitter],
      ["priority", String(build.priority)],
      ["keep going", build.keepGoing ? "yes" : undefined],
      ["created", build.createdAt],
      ["took", duration(build, now)],
      ["targets", `${build.targetCount}, ${build.targetsLeft} not settled`],
      ["steps", counts.map(([state, amount]) => `${amount} ${state}`).join(", ") || "none"],
      ["failure", build.failure?.kind === "refused" ? `${build.failure.message} (${build.failure.code})` : undefined],
      ["remedy", build.failure?.kind === "refused" ? build.failure.remedy : undefined],
    ],
    style,
  );
  const rows = steps.map((step) => [
    step.step,
    step.target ? style.bold(step.name) : step.name,
    stateText(step.state, style),
    step.machine ?? "-",
    step.failure === undefined ? (step.waiting ?? "") : failureText(step.failure),
  ]);
  const table = tableLines(["STEP", "NAME", "STATE", "MACHINE", "REASON"], rows, style);
  return [style.bold(build.id), ...facts, ...(table.length > 0 ? ["", ...table] : [])];
}

function duration({ createdAt, finishedAt }: Build, now: number): string {
  return formatDuration((finishedAt === undefined ? now : Date.parse(finishedAt)) - Date.parse(createdAt));
}

function stateText(state: string, style: Style): string {
  if (state === "succeeded") return style.green(state);
  if (state === "failed" || state === "dependency-failed") return style.red(state);
  return state === "assigned" ? style.cyan(state) : state;
}
