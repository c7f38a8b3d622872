import type { BuildTarget } from "../../../fleet/build.ts";
import { DroverError } from "../../../nix/drover-error.ts";
import { isStorePath, type StorePath } from "../../../nix/store-path.ts";
import type { NarSource } from "../../../cloud/ports/binary-cache.ts";
import type { Submission } from "../schema/builds.ts";
import type { ProblemDetail } from "../schema/problem.ts";

/** Most mistakes that one answer lists. */
const listed = 50;
/**
 * A build is kept as one item of a table, which takes 400 KB. Half of it is for what the build learns later: each target
 * may fail, and is then named again. In bytes.
 */
const largestList = 200_000;
/** What an item needs for each target besides its path: its id once more, and the frame. */
const besidesPath = 60;

/**
 * The targets of a submission: derivations, each once. One that is named twice is wanted with the outputs of both.
 *
 * @throws {DroverError} DROVER_NOT_A_DERIVATION naming every target that is none, DROVER_TOO_MANY_TARGETS
 */
export function targetsOf({ targets }: Pick<Submission, "targets">): BuildTarget[] {
  const wrong = targets.flatMap(({ drvPath }, index): ProblemDetail[] =>
    isStorePath(drvPath) && drvPath.endsWith(".drv")
      ? []
      : [
          {
            pointer: `/targets/${index}/drvPath`,
            subject: drvPath,
            message: `'${drvPath}' is not the store path of a derivation`,
          },
        ],
  );
  if (wrong.length > 0) {
    throw refusal("DROVER_NOT_A_DERIVATION", wrong, "Give paths that end in .drv, as `nix-instantiate` prints them.");
  }
  const merged = new Map<StorePath, readonly string[]>();
  for (const { drvPath, outputs } of targets) {
    const before = merged.get(drvPath);
    const all = outputs.length === 0 || before?.length === 0;
    merged.set(drvPath, all ? [] : [...new Set([...(before ?? []), ...outputs])]);
  }
  const list = [...merged].map(([drvPath, outputs]) => ({ drvPath, outputs }));
  refuseLongList(list);
  return list;
}

/**
 * The derivations themselves must have been uploaded; planning finds out whether the rest of their closure has.
 *
 * @throws {DroverError} DROVER_CLOSURE_INCOMPLETE
 */
export async function requireUploaded(
  cache: NarSource,
  targets: readonly BuildTarget[],
  signal: AbortSignal,
): Promise<void> {
  const paths = targets.map(({ drvPath }) => drvPath);
  const present = await cache.narInfos(paths, signal);
  const missing = paths
    .filter((path) => !present.has(path))
    .map((path): ProblemDetail => ({ subject: path, message: `${path} is not in the cache` }));
  if (missing.length > 0) {
    throw refusal(
      "DROVER_CLOSURE_INCOMPLETE",
      missing,
      "Submit with `drover build`, which uploads the whole closure, or upload what `nix-store -qR` of the derivation lists.",
    );
  }
}

function refuseLongList(targets: readonly BuildTarget[]): void {
  const bytes = targets.reduce(
    (sum, { drvPath, outputs }) => sum + [drvPath, ...outputs].join(" ").length + besidesPath,
    0,
  );
  if (bytes <= largestList) return;
  throw new DroverError("DROVER_TOO_MANY_TARGETS", `${targets.length} derivations are more than one build can name.`, {
    subject: "targets",
    remedy: "Submit several builds: what they have in common is built once.",
  });
}

function refusal(code: `DROVER_${string}`, mistakes: readonly ProblemDetail[], remedy: string): DroverError {
  const [first] = mistakes;
  const more = mistakes.length > 1 ? ` (and ${mistakes.length - 1} more)` : "";
  return new DroverError(code, `${first?.message ?? ""}${more}`, {
    remedy,
    details: { errors: mistakes.slice(0, listed) },
    ...(first?.subject !== undefined && { subject: first.subject }),
  });
}
