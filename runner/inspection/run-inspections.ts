import type { Inspections, HeldInspectionRequest, InspectionReceiver } from "../../cloud/ports/inspections.ts";
import type { Machines } from "../../cloud/ports/machines.ts";
import type { FleetEvents } from "../../cloud/ports/queues.ts";
import type { Inspection } from "../../fleet/inspection.ts";
import { describeError, type RunnerLog } from "../log.ts";
import { receiveLoop } from "../receive-loop.ts";
import type { InspectedMachine } from "./inspect-machine.ts";

/** What inspections are made with. */
export interface InspectionLoop {
  readonly receiver: InspectionReceiver;
  readonly machines: Pick<Machines, "get">;
  readonly inspections: Pick<Inspections, "record">;
  readonly events: FleetEvents;
  /** As `inspectMachine`. */
  readonly inspect: (machine: InspectedMachine, id: string, signal: AbortSignal) => Promise<Inspection>;
  /** Inspections at the same time; they have nothing to do with attempts, and wait for none. */
  readonly capacity: number;
  /** As `ReceiveLoop`'s. */
  readonly drainLimit: number;
  readonly retired?: AbortSignal | undefined;
  readonly log: RunnerLog;
}

/**
 * Takes requests to look at machines; see `receiveLoop`. One that fails here, or is broken off, comes back to this
 * runner or another when the queue's visibility timeout is over.
 */
export async function runInspections(loop: InspectionLoop, drain: AbortSignal, stop: AbortSignal): Promise<void> {
  const { receiver, capacity, drainLimit, retired, log } = loop;
  await receiveLoop(
    {
      what: "inspections",
      receive: (limit, signal) => receiver.receive(limit, signal),
      work: async (message, _ending, broken) => {
        await handle(message, loop, broken).catch((error: unknown) => {
          if (broken.aborted) log.info("an inspection is broken off, and will be repeated", { ...message.request });
          else log.warn("an inspection has to be repeated", { ...message.request, ...describeError(error) });
        });
      },
      capacity,
      drainLimit,
      retired,
      log,
    },
    drain,
    stop,
  );
}

/** Recorded before it is reported, and reported before the request is forgotten: a crash repeats it and loses nothing. */
async function handle(message: HeldInspectionRequest, loop: InspectionLoop, signal: AbortSignal): Promise<void> {
  const { machine: name, id } = message.request;
  const machine = await loop.machines.get(name);
  if (machine === undefined) {
    loop.log.info("skipped an inspection of a machine that is gone", { machine: name, id });
    await message.done();
    return;
  }
  const inspection = await loop.inspect(machine, id, signal);
  await loop.inspections.record(inspection);
  await loop.events.send([{ type: "machine-inspected", machine: name }]);
  await message.done();
  loop.log.info("inspected a machine", { machine: name, id, ...summary(inspection) });
}

function summary({ checks, startedAt, finishedAt }: Inspection): Record<string, unknown> {
  const rows = (outcome: string) => checks.filter((check) => check.outcome === outcome).map(({ check }) => check);
  return { failed: rows("failed"), warnings: rows("warning"), milliseconds: finishedAt - startedAt };
}
