import { type Check, type CheckName, checkNames } from "../../fleet/inspection.ts";
import type { DroverError } from "../../nix/drover-error.ts";

/** What is wrong, and what to do about it. */
export interface Problem {
  readonly code: string;
  /** A phrase that can follow the machine's name. */
  readonly found: string;
  readonly remedy: string;
}

/** Builds can not work without what these say. */
const essential: ReadonlySet<CheckName> = new Set(checkNames.slice(0, checkNames.indexOf("trusted-user") + 1));

/** The rows of an inspection, as far as they are known. What is said later of a row replaces what was said before. */
export class InspectionRows {
  readonly #machine: string;
  readonly #rows = new Map<CheckName, Check>();

  constructor(machine: string) {
    this.#machine = machine;
  }

  passed(check: CheckName, found: string): void {
    this.#rows.set(check, { check, outcome: "passed", found });
  }

  warning(check: CheckName, { code, found, remedy }: Problem): void {
    this.#rows.set(check, { check, outcome: "warning", code, found, remedy });
  }

  failed(check: CheckName, { code, found, remedy }: Problem): void {
    this.#rows.set(check, { check, outcome: "failed", code, found, remedy });
  }

  /** As {@link failed}, in the error's words. */
  failedBy(check: CheckName, { code, message, remedy }: DroverError): void {
    this.failed(check, { code, found: this.#withoutName(message), remedy: remedy ?? "Look at the machine." });
  }

  /** Where something is known already, it stays. */
  notChecked(checks: readonly CheckName[], why: string): void {
    for (const check of checks) {
      if (!this.#rows.has(check)) this.#rows.set(check, { check, outcome: "not-checked", found: why });
    }
  }

  /** What the row says so far. */
  outcomeOf(check: CheckName): Check["outcome"] | undefined {
    return this.#rows.get(check)?.outcome;
  }

  /** The time is over: the first row that is open is the one that took too long. */
  outOfTime(milliseconds: number): void {
    const open = checkNames.find((check) => !this.#rows.has(check));
    if (open === undefined) return;
    const found = `did not get further within ${milliseconds / 1000} s`;
    if (!essential.has(open)) this.notChecked([open], found);
    else this.failed(open, { code: "DROVER_INSPECTION_TIMEOUT", found, remedy: slowRemedy });
  }

  /** All rows in their order; those that nothing is known of were not looked at, because of the first that failed. */
  all(): Check[] {
    const culprit = checkNames.find((check) => this.#rows.get(check)?.outcome === "failed");
    const why = culprit === undefined ? "could not be looked at" : `not looked at, since ${culprit} failed`;
    return checkNames.map((check) => this.#rows.get(check) ?? { check, outcome: "not-checked", found: why });
  }

  /** Errors name the machine first; rows are read under its name. */
  #withoutName(message: string): string {
    const name = this.#machine;
    const rest =
      message.startsWith(`${name} `) || message.startsWith(`${name}: `) ? message.slice(name.length) : message;
    return rest.replace(/^:? /, "").replace(/\.$/, "");
  }
}

const slowRemedy = "Check that the machine and the network to it are not overloaded, and look again.";
