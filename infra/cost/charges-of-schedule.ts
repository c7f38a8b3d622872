import * as z from "zod";
import { type Charge, minutes } from "./charge.ts";
import { sweepAtRest } from "./measured.ts";
import { referred, type Resource } from "./template.ts";

const rule = z.looseObject({
  ScheduleExpression: z.stringFormat("rate in minutes", /^rate\(\d+ minutes?\)$/),
  Targets: z.array(z.looseObject({ Arn: z.unknown() })),
});

/** What a schedule starts, each time with nothing to do. */
export function chargesOfSchedule(properties: Resource["properties"], all: readonly Resource[]): readonly Charge[] {
  const { ScheduleExpression, Targets } = rule.parse(properties);
  const times = minutes / Number(/\d+/.exec(ScheduleExpression)?.[0]);
  return Targets.flatMap(({ Arn }) => {
    const target = all.find(({ id }) => id === referred(Arn));
    const memory = Number(target?.properties["MemorySize"]);
    return [
      { what: "Sweep: invocations", price: "invocations", quantity: times },
      { what: "Sweep: time", price: "invocationTime", quantity: times * sweepAtRest.seconds * (memory / 1024) },
      { what: "Sweep: DynamoDB, read", price: "tableReads", quantity: times * sweepAtRest.tableReads },
      { what: "Sweep: log", price: "logs", quantity: (times * sweepAtRest.logged) / 1e9 },
    ];
  });
}
