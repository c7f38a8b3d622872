import { DroverError } from "../drover-error.ts";
import { readFields } from "./fields.ts";

/** `nix-cache-info`, at the root of a binary cache. */
export interface NixCacheInfo {
  /** Must equal the client's store directory, or Nix refuses the cache. */
  readonly storeDirectory: string;
  /** Whether clients may ask for many paths at once. @default false */
  readonly wantMassQuery: boolean;
  /** Lower is asked first; cache.nixos.org has 40. Nix takes 0 when it is absent. */
  readonly priority?: number;
}

/** Unknown keys are ignored. @throws DROVER_NARINFO */
export function parseNixCacheInfo(text: string): NixCacheInfo {
  const fields = readFields(text, invalid, new Set(["StoreDir", "WantMassQuery", "Priority"]));
  const storeDirectory = fields.get("StoreDir")?.[0];
  if (!storeDirectory) throw invalid("StoreDir is missing");
  const priority = fields.get("Priority")?.[0];
  if (priority !== undefined && !/^-?[0-9]{1,9}$/.test(priority)) throw invalid("Priority is not a number");
  const wantMassQuery = fields.get("WantMassQuery")?.[0] === "1";
  return { storeDirectory, wantMassQuery, ...(priority === undefined ? {} : { priority: Number(priority) }) };
}

export function printNixCacheInfo(info: NixCacheInfo): string {
  const lines = [`StoreDir: ${info.storeDirectory}`, `WantMassQuery: ${info.wantMassQuery ? 1 : 0}`];
  if (info.priority !== undefined) lines.push(`Priority: ${info.priority}`);
  return lines.map((line) => `${line}\n`).join("");
}

function invalid(problem: string): DroverError {
  return new DroverError("DROVER_NARINFO", `nix-cache-info is corrupt: ${problem}.`, {
    subject: "nix-cache-info",
    remedy: "Check that the URL is the root of a binary cache.",
  });
}
