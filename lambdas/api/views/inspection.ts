import type { Inspection } from "../../../fleet/inspection.ts";
import { inspectionFault } from "../../../fleet/inspection.ts";
import type { Machine } from "../../../fleet/machine.ts";
import type { Inspection as InspectionView } from "../schema/inspections.ts";
import { moment } from "./moment.ts";

/** @param now the machine as it is now */
export function inspectionView(inspection: Inspection, now: Pick<Machine, "version" | "drainedFor">): InspectionView {
  const { machine, startedAt, finishedAt, checks, hostKeys } = inspection;
  return {
    machine,
    startedAt: moment(startedAt),
    finishedAt: moment(finishedAt),
    checks: checks.map((check) => ({ ...check })),
    hostKeys: hostKeys.map((key) => ({ ...key })),
    works: inspectionFault(inspection) === undefined,
    outdated: inspection.version !== now.version && !hasDrained(inspection, now),
  };
}

/** Draining a machine for what an inspection found counts its version up. */
function hasDrained(inspection: Inspection, { version, drainedFor }: Pick<Machine, "version" | "drainedFor">): boolean {
  const isCause = drainedFor !== null && drainedFor.code === inspectionFault(inspection)?.code;
  return isCause && inspection.version === version - 1;
}
