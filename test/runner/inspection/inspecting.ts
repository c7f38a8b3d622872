import { type Check, type CheckName, checkNames, type Inspection } from "../../../fleet/inspection.ts";
import {
  type InspectedMachine,
  inspectMachine,
  type InspectionTools,
} from "../../../runner/inspection/inspect-machine.ts";
import { identitySource } from "../../../runner/machines/identity-source.ts";
import { secretsOf, type RunnerFleet } from "../boot.ts";

export const inspectionId = "0198f2a4-c3b0-7d5e-9a3c-1f4e6b8d0a27";

/** Inspects as the runner does, unless something is to be different. */
export async function inspect(
  fleet: RunnerFleet,
  machine: InspectedMachine,
  different: Partial<InspectionTools> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<Inspection> {
  const tools = { readIdentity: identitySource(secretsOf(fleet)), now: Date.now, ...different };
  return await inspectMachine(machine, tools, inspectionId, signal);
}

export function row(inspection: Inspection, check: CheckName): Check {
  const found = inspection.checks.find((each) => each.check === check);
  if (found === undefined) throw new Error(`no row ${check}`);
  return found;
}

/** Outcomes of all rows, in order, those that are not expected to be "passed" alone. */
export function exceptions(inspection: Inspection): Partial<Record<CheckName, Check["outcome"]>> {
  const others = inspection.checks.filter(({ outcome }) => outcome !== "passed");
  return Object.fromEntries(others.map(({ check, outcome }) => [check, outcome]));
}

/** What is expected when this row failed and nothing could be told after it. */
export function failedFrom(check: CheckName): Partial<Record<CheckName, Check["outcome"]>> {
  const rest = checkNames.slice(checkNames.indexOf(check) + 1);
  return { [check]: "failed", ...Object.fromEntries(rest.map((each) => [each, "not-checked"])) };
}
