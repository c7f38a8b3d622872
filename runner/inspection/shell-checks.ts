import type { CheckName } from "../../fleet/inspection.ts";
import type { MachineOffer } from "../../fleet/machine.ts";
import { STORE_DIRECTORY } from "../../nix/store-path.ts";
import { otherStoreDirectory } from "../machines/symptoms.ts";
import { compareFeatures, compareSystems } from "./offers.ts";
import type { InspectionRows } from "./rows.ts";
import type { Disk, ShellFacts } from "./shell-facts.ts";

/** The rows that only a shell can tell. */
export const shellChecks = [
  "nix-version",
  "system",
  "system-features",
  "free-disk",
  "clock",
] as const satisfies readonly CheckName[];

const mebibyte = 2 ** 20;
const gibibyte = 2 ** 30;

/** Less than this, and the next output of some size fails. */
const hardlyAnything = 100 * mebibyte;
/** A disk that is this empty is not worth a word, be it 1 % of a large one. */
const plenty = 20 * gibibyte;
/** Seconds. Less is what clocks without NTP differ by, and makes no difference to a build. */
const clockTolerance = 60;

/** The rows that a shell can tell, from what it has told. */
export function judgeFacts(
  facts: ShellFacts,
  machine: { readonly name: string; readonly offers: readonly MachineOffer[] },
  rows: InspectionRows,
): void {
  if (facts.version === undefined) rows.notChecked(["nix-version"], "nix-store does not say its version");
  else rows.passed("nix-version", facts.version);
  if (facts.program !== undefined && rows.outcomeOf("nix-store") === "passed") {
    rows.passed("nix-store", `${facts.program} answers`);
  }
  judgeStoreDirectory(facts.storeDirectory, machine.name, rows);
  if (facts.settings.size === 0) {
    rows.notChecked(["system", "system-features"], "there is no nix beside nix-store that shows its settings");
  } else {
    compareSystems(machine.offers, words(facts, "system", "extra-platforms"), rows);
    compareFeatures(machine.offers, words(facts, "system-features"), rows);
  }
  if (facts.disk === undefined) rows.notChecked(["free-disk"], "df does not say it");
  else judgeDisk(facts.disk, rows);
  if (facts.clockAhead === undefined) rows.notChecked(["clock"], "date does not say it");
  else judgeClock(facts.clockAhead, rows);
}

function judgeStoreDirectory(directory: string | undefined, machine: string, rows: InspectionRows): void {
  if (directory === undefined) return;
  if (directory !== STORE_DIRECTORY) {
    const { what, remedy } = otherStoreDirectory.describe(machine, "");
    rows.failed("store-directory", { code: otherStoreDirectory.code, found: `is ${directory}: ${what}`, remedy });
  } else if (rows.outcomeOf("store-directory") === undefined) rows.passed("store-directory", directory);
}

/** Builds fail below 100 MiB. A warning: less than 1 GiB, or than 5 % of a disk, unless that is 20 GiB or more. */
function judgeDisk({ path, size, available }: Disk, rows: InspectionRows): void {
  const share = size === 0 ? 0 : available / size;
  const found = `${inUnits(available)} of ${inUnits(size)} free (${Math.floor(share * 100)} %) at ${path}`;
  const remedy = "Run nix-collect-garbage on the machine, or set min-free and max-free in its nix.conf.";
  if (available < hardlyAnything) rows.failed("free-disk", { code: "DROVER_DISK_FULL", found, remedy });
  else if (rows.outcomeOf("free-disk") === "failed") return;
  else if (available < gibibyte || (share < 0.05 && available < plenty)) {
    rows.warning("free-disk", { code: "DROVER_DISK_NEARLY_FULL", found, remedy });
  } else rows.passed("free-disk", found);
}

function judgeClock(ahead: number, rows: InspectionRows): void {
  const seconds = Math.round(Math.abs(ahead));
  if (seconds <= clockTolerance) {
    rows.passed("clock", seconds <= 1 ? "agrees with the runner's" : `${seconds} s ${direction(ahead)} the runner's`);
    return;
  }
  rows.warning("clock", {
    code: "DROVER_CLOCK_SKEW",
    found: `${inTime(seconds)} ${direction(ahead)} the runner's`,
    remedy:
      "Have the machine's clock set by NTP (timedatectl set-ntp true): builds that compare times go wrong, and so do " +
      "certificates.",
  });
}

function direction(ahead: number): string {
  return ahead > 0 ? "ahead of" : "behind";
}

function words(facts: ShellFacts, ...names: readonly string[]): Set<string> {
  return new Set(names.flatMap((name) => (facts.settings.get(name) ?? "").split(/\s+/)).filter((word) => word !== ""));
}

function inUnits(bytes: number): string {
  return bytes < gibibyte ? `${Math.floor(bytes / mebibyte)} MiB` : `${(bytes / gibibyte).toFixed(1)} GiB`;
}

function inTime(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} days`;
}
