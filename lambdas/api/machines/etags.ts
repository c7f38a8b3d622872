import { createHash } from "node:crypto";
import type { Machine } from "../../../fleet/machine.ts";
import { DroverError } from "../../../nix/drover-error.ts";

/**
 * Changes with all that people change, and not with slots and health. The version alone would not do: a machine that
 * was removed and added again begins anew with it.
 */
export function machineEtag({ version, name, position, spec, alternatives, route, mode }: Machine): string {
  return `"${version}-${digest([name, position, spec, alternatives, route, mode])}"`;
}

/** Changes with each of its machines. */
export function fleetEtag(machines: Iterable<Machine>): string {
  const etags = Array.from(machines, machineEtag).toSorted();
  return `"${digest(etags)}"`;
}

/** Whether an `If-Match` header lets a change pass (RFC 9110 §13.1.1); without one any does. */
export function matches(ifMatch: string | undefined, etag: string): boolean {
  return ifMatch === undefined || ifMatch === "*" || ifMatch === etag;
}

export function machineChanged(name: string): DroverError {
  return new DroverError("DROVER_MACHINE_CHANGED", `Somebody has changed '${name}' since you looked at it.`, {
    subject: name,
    remedy: "Nothing was changed. Look at it again, and repeat the change if you still want it.",
  });
}

export function fleetChanged(): DroverError {
  return new DroverError("DROVER_MACHINES_CHANGED", "Somebody has changed the machines since you looked at them.", {
    subject: "machines",
    remedy: "Nothing was changed. Look at what the import would do now (--dry-run), and then import again.",
  });
}

/** Twelve hexadecimal digits; objects are the same whatever the order of their fields. */
function digest(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}
