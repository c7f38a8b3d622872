import type { StepId } from "../../fleet/step.ts";

/** What `schedule` is told. Ids only: the state is in the tables, so a late or repeated message does no harm. */
export type FleetEvent =
  /** The step may be placed. Also sent for an assigned step whose dispatch message may have been lost. */
  | { readonly type: "step-ready"; readonly step: StepId }
  /** A runner has recorded the attempt's outcome. */
  | { readonly type: "attempt-finished"; readonly step: StepId; readonly attempt: number }
  /** The step is in a final state and its dependents must hear of it. */
  | { readonly type: "step-settled"; readonly step: StepId }
  /** The machine may have room for more: it is new, changed, or its back-off has ended and it is to be probed. */
  | { readonly type: "machine-available"; readonly machine: string }
  /** A runner has recorded an inspection of the machine. */
  | { readonly type: "machine-inspected"; readonly machine: string };

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

/** A dispatch that this runner holds for now. Once it is no longer held, another runner has it, or will. */
export interface HeldDispatch {
  readonly dispatch: Dispatch;
  /** How often it has been delivered, this time included. */
  readonly deliveries: number;
  /** Keeps it for so many seconds from now. @throws {DroverError} DROVER_DISPATCH_LOST when it was not held any more */
  extend(seconds: number): Promise<void>;
  /** The outcome is recorded and reported: nobody shall repeat it. @throws {DroverError} DROVER_DISPATCH_LOST */
  done(): Promise<void>;
  /** Gives it back, for another runner to take at once. Nothing happens when it was not held any more. */
  release(): Promise<void>;
}

export interface DispatchReceiver {
  /**
   * Waits for messages, 20 s at most; at most `limit` (10) of them. It may come back with none before that. Rejects with
   * the signal's reason.
   */
  receive(limit: number, signal: AbortSignal): Promise<HeldDispatch[]>;
}

/** Brings a message that could not be dealt with back sooner than the queue would by itself. */
export interface Redelivery {
  /** @param receipt the receipt handle of this delivery @param seconds until the next one */
  after(receipt: string, seconds: number): Promise<void>;
}
