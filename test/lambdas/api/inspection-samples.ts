import { checkNames, type Inspection } from "../../../fleet/inspection.ts";
import { newKey } from "./host-keys.ts";

/** An inspection that found nothing wrong, but for what is said otherwise. */
export function inspectionOf(changes: Partial<Inspection> & Pick<Inspection, "machine">): Inspection {
  return {
    id: "0198f2a4-c3b0-7d5e-9a3c-1f4e6b8d0a27",
    version: 1,
    startedAt: 1_780_000_000_000,
    finishedAt: 1_780_000_001_500,
    checks: checkNames.map((check) => ({ check, outcome: "passed", found: `${check} is fine` })),
    hostKeys: [{ type: "ssh-ed25519", fingerprint: newKey.fingerprint, line: newKey.line }],
    ...changes,
  };
}
