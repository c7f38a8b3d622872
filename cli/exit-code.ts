import { DroverError } from "../nix/drover-error.ts";

/** The codes besides Nix's own for failed builds (build/verdict.ts); 64 to 75 are those of BSD's sysexits.h. */
export const exitCode = {
  done: 0,
  failed: 1,
  usage: 64,
  unreachable: 69,
  tryLater: 75,
  interrupted: 130,
} as const;

const byErrorCode: Readonly<Record<string, number>> = {
  DROVER_USAGE: exitCode.usage,
  DROVER_TARGET: exitCode.usage,
  DROVER_NO_SERVICE: exitCode.unreachable,
  DROVER_UNREACHABLE: exitCode.unreachable,
  DROVER_INTERRUPTED: exitCode.interrupted,
};

/** API errors carry the HTTP status in their details; 502 and 504 are what a gateway says of a dead service. */
const byStatus: Readonly<Record<number, number>> = {
  429: exitCode.tryLater,
  502: exitCode.unreachable,
  503: exitCode.tryLater,
  504: exitCode.unreachable,
};

export function exitCodeOf(error: unknown): number {
  if (!(error instanceof DroverError)) return exitCode.failed;
  const { status } = error.details;
  return byErrorCode[error.code] ?? (typeof status === "number" ? byStatus[status] : undefined) ?? exitCode.failed;
}
