import { DroverError } from "../../nix/drover-error.ts";

/** Where somebody is who reads along. Both are kept: segments are found by number, the derivation's log has none. */
export interface LogPlace {
  /** The next segment to read. */
  readonly segment: number;
  /** How many bytes of the attempt's log have been read. */
  readonly offset: number;
}

export function printCursor({ segment, offset }: LogPlace): string {
  return `${segment}.${offset}`;
}

/** @throws {DroverError} DROVER_CURSOR */
export function parseCursor(text: string | undefined): LogPlace {
  if (text === undefined) return { segment: 0, offset: 0 };
  const [, segment, offset] = /^(\d{1,9})\.(\d{1,15})$/.exec(text) ?? [];
  if (segment !== undefined && offset !== undefined) return { segment: Number(segment), offset: Number(offset) };
  throw new DroverError("DROVER_CURSOR", `'${text}' is not a place in an attempt's log.`, {
    subject: "cursor",
    remedy: "Give the `cursor` of an earlier answer, or none.",
  });
}
