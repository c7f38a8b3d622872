import * as z from "zod";
import { DroverError } from "../../nix/drover-error.ts";
import type { InspectionRequest } from "../ports/inspections.ts";
import type { Dispatch, FleetEvent, PlanRequest } from "../ports/queues.ts";

const step = z.string().regex(/^[0-9a-df-np-sv-z]{32}$/);
const attempt = z.int().positive();
const machine = z.string().min(1);

const fleetEvent = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("step-ready"), step }),
  z.strictObject({ type: z.literal("attempt-finished"), step, attempt }),
  z.strictObject({ type: z.literal("step-settled"), step }),
  z.strictObject({ type: z.literal("machine-available"), machine }),
  z.strictObject({ type: z.literal("machine-inspected"), machine }),
]);
const planRequest = z.strictObject({ build: z.string().min(1) });
const dispatch = z.strictObject({ step, attempt });
const inspectionRequest = z.strictObject({ machine, id: z.uuidv7() });

/** @throws {DroverError} DROVER_MESSAGE */
export function parseFleetEvent(body: string): FleetEvent {
  return parse("fleet event", fleetEvent, body);
}

/** @throws {DroverError} DROVER_MESSAGE */
export function parsePlanRequest(body: string): PlanRequest {
  return parse("plan request", planRequest, body);
}

/** @throws {DroverError} DROVER_MESSAGE */
export function parseDispatch(body: string): Dispatch {
  return parse("dispatch", dispatch, body);
}

/** @throws {DroverError} DROVER_MESSAGE */
export function parseInspectionRequest(body: string): InspectionRequest {
  return parse("inspection request", inspectionRequest, body);
}

/** Such a message will never be understood: whoever meets it leaves it to the dead-letter queue. */
function parse<T>(kind: string, schema: z.ZodType<T>, body: string): T {
  const parsed = z.string().transform(readJson).pipe(schema).safeParse(body);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => [...path, message].join(": "));
  const shown = body.length > 200 ? `${body.slice(0, 200)}…` : body;
  throw new DroverError("DROVER_MESSAGE", `This is no ${kind}: ${shown} (${problems.join("; ")})`, {
    subject: kind,
    remedy: "Find out who else sends to this queue; messages of an older version can be deleted once nothing waits.",
    details: { problems },
  });
}

function readJson(text: string, context: z.RefinementCtx): unknown {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: "custom", message: "not JSON" });
    return z.NEVER;
  }
}
