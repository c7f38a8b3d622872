import type { StepId } from "../../fleet/step.ts";

/** What `schedule` is told. Ids only: the state is in the tables, so a late or repeated message does no harm. */
export type FleetEvent =
  /** The step may be placed. Also sent for an assigned step whose dispatch message may have been lost. */
  | { readonly type: "step-ready"; readonly step: StepId }
  /** A runner has recorded the attempt's outcome. */
  | { readonly type: "attempt-finished"; readonly step: StepId; readonly attempt: number }
  /** The step is in a final state and its dependents must hear of it. */
  | { readonly type: "step-settled"; readonly step: StepId }
  /** The machine may have room for more: it is new, changed, or its back-off has ended. */
  | { readonly type: "machine-available"; readonly machine: string };

/** What `plan` is told. */
export interface PlanRequest {
  readonly build: string;
}

/** What a runner is told. The message is the lease of the attempt: whoever holds it executes it (design §5). */
export interface Dispatch {
  readonly step: StepId;
  readonly attempt: number;
}

export interface FleetEvents {
  /** At least once, in no particular order. @param delay whole seconds, 900 at most */
  send(events: readonly FleetEvent[], delay?: number): Promise<void>;
}

export interface PlanRequests {
  send(request: PlanRequest): Promise<void>;
}

export interface Dispatches {
  /** Sending the same attempt again within five minutes is one message (the FIFO queue's deduplication). */
  send(dispatch: Dispatch): Promise<void>;
}

/** A dispatch that this runner holds for now. */
export interface HeldDispatch {
  readonly dispatch: Dispatch;
  /** How often it has been delivered, this time included. */
  readonly deliveries: number;
  /** Keeps it for so many seconds from now. */
  extend(seconds: number): Promise<void>;
  /** The outcome is recorded and reported: nobody shall repeat it. */
  done(): Promise<void>;
  /** Gives it back, for another runner to take at once. */
  release(): Promise<void>;
}

export interface DispatchReceiver {
  /** Waits for messages, 20 s at most; at most `limit` (10) of them. */
  receive(limit: number, signal: AbortSignal): Promise<HeldDispatch[]>;
}
