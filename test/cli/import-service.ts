import {
  type ImportedMachine,
  type Machine,
  machineImportParts,
  type MachineImport,
} from "../../lambdas/api/schema/machines.ts";
import type { MachineImportParts, MachineRemark } from "../../lambdas/api/schema/machines.ts";
import { type FaultService, type ReceivedRequest, type Reply, startFaultService } from "./fault-service.ts";

/** An ordinary line and remark, and what differs. */
export function importedLine(more: Partial<ImportedMachine> = {}): ImportedMachine {
  return { name: "nix@mac", outcome: "added", changes: [], ...specification, ...more };
}

export const specification = {
  uri: "ssh://nix@mac",
  systems: ["aarch64-darwin"],
  sshKey: null,
  maxJobs: 8,
  speedFactor: 2,
  supportedFeatures: ["big-parallel"],
  mandatoryFeatures: [],
  hostKey: null,
};

export function remark(more: Partial<MachineRemark> = {}): MachineRemark {
  return {
    file: "machines",
    line: 3,
    column: 15,
    code: "DROVER_MACHINE_SPEC",
    message: "'many' is no number of jobs",
    remedy: "Write a whole number.",
    ...more,
  };
}

interface ReceivedImport {
  readonly query: Readonly<Record<string, string>>;
  readonly ifMatch: string | undefined;
  readonly body: MachineImportParts;
}

/** As much of the API as imports and exports need, for results that a real fleet does not have at will. */
export interface ImportService extends FaultService {
  readonly imports: readonly ReceivedImport[];
}

/** @param result of every import, or a fault in its place */
export async function startImportService(
  result: Partial<MachineImport> | ((received: ReceivedImport) => Partial<MachineImport> | { readonly reply: Reply }),
  fleet: readonly Machine[] = [],
): Promise<ImportService> {
  const imports: ReceivedImport[] = [];
  const answer = ({ method, path, headers, body }: ReceivedRequest): Reply => {
    if (method === "GET") return { json: { machines: fleet, etag: '"fleet"' } };
    const { searchParams } = new URL(path, "http://x");
    const received = {
      query: Object.fromEntries(searchParams),
      ifMatch: headers["if-match"],
      body: machineImportParts.parse(JSON.parse(body.toString())),
    };
    imports.push(received);
    const given = typeof result === "function" ? result(received) : result;
    if ("reply" in given) return given.reply;
    return { json: { machines: [], absent: [], errors: [], lints: [], etag: '"7-abc"', ...given } };
  };
  return { ...(await startFaultService(answer)), imports };
}
