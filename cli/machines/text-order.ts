import type { MachineRemark, MachineTextPart } from "../../lambdas/api/schema/machines.ts";

/** Remarks from here and from the service, in the order of the text that they are about. */
export function inTextOrder(remarks: readonly MachineRemark[], parts: readonly MachineTextPart[]): MachineRemark[] {
  const files = [...new Set(parts.map(({ file }) => file))];
  const places = new Map(files.map((file, index) => [file, index]));
  return remarks.toSorted(
    (one, other) =>
      (places.get(one.file) ?? -1) - (places.get(other.file) ?? -1) ||
      one.line - other.line ||
      one.column - other.column,
  );
}
