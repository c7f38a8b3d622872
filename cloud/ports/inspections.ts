import type { Inspection } from "../../fleet/inspection.ts";

/** The latest inspection of each machine. Beside the machines and not in them: whoever places a step reads those. */
export interface Inspections {
  get(machine: string): Promise<Inspection | undefined>;
  /** In no particular order; machines that have never been inspected are left out. */
  getMany(machines: readonly string[]): Promise<Inspection[]>;
  /** Keeps the one with the later id, so that a late one does no harm. */
  record(inspection: Inspection): Promise<void>;
  /** Forgets it, with its machine. */
  remove(machine: string): Promise<void>;
}

/** What a runner is asked to look at. */
export interface InspectionRequest {
  readonly machine: string;
  /** Becomes the inspection's id. */
  readonly id: string;
}

export interface InspectionRequests {
  send(request: InspectionRequest): Promise<void>;
}

/** A request that this runner holds for some time (`cloud/topology/queues.ts`): longer than any inspection takes. */
export interface HeldInspectionRequest {
  readonly request: InspectionRequest;
  /** It has been recorded and reported. Nothing happens when it was not held any more. */
  done(): Promise<void>;
}

export interface InspectionReceiver {
  /** As `DispatchReceiver.receive`. */
  receive(limit: number, signal: AbortSignal): Promise<HeldInspectionRequest[]>;
}
