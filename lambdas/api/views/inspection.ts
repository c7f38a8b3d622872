import type { Inspection } from "../../../fleet/inspection.ts";
import { inspectionFault } from "../../../fleet/inspection.ts";
import type { Machine } from "../../../fleet/machine.ts";
import type { Inspection as InspectionView } from "../schema/inspections.ts";
import { moment } from "./moment.ts";

/** @param machine as it is now */
export function inspectionView(inspection: Inspection, { version }: Pick<Machine, "version">): InspectionView {
  const { machine, startedAt, finishedAt, checks, hostKeys } = inspection;
  return {
    machine,
    startedAt: moment(startedAt),
    finishedAt: moment(finishedAt),
    checks: checks.map((check) => ({ ...check })),
    hostKeys: hostKeys.map((key) => ({ ...key })),
    works: inspectionFault(inspection) === undefined,
    outdated: inspection.version !== version,
  };
}
