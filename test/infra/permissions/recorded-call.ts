import * as z from "zod";

/** What of a call decides which permission it needs. What a request does not name is left out. */
const target = z.strictObject({
  /** A transaction's part: `Put`, `Update`, `Delete`, `ConditionCheck`, `Get`. */
  part: z.string().optional(),
  table: z.string().optional(),
  index: z.string().optional(),
  queue: z.string().optional(),
  bucket: z.string().optional(),
  key: z.string().optional(),
  secret: z.string().optional(),
});

const recordedCall = z.strictObject({
  /** The client's `userAgentAppId`: `drover-api`. The embedded engines' own clients have none. */
  caller: z.string().nullable(),
  /** The script that ran: `up.ts`, `main.ts` of the runner. */
  program: z.string(),
  /** As the SDK calls it: `DynamoDB`, `SQS`, `S3`, `SecretsManager`. */
  service: z.string(),
  /** `GetItem`; also where a URL was signed for it. */
  operation: z.string(),
  targets: z.array(target),
  /** S3 answered that there is no such object; of one that may not list, it would say that it is forbidden. */
  missing: z.boolean().optional(),
});

export type Target = z.output<typeof target>;
export type RecordedCall = z.output<typeof recordedCall>;

/** Reads what `record-calls.ts` writes: one JSON object a line. A line that a killed process left unfinished is no call. */
export function readRecordedCalls(text: string): RecordedCall[] {
  const lines = text.split("\n").slice(0, -1);
  return lines.map((line) => recordedCall.parse(JSON.parse(line)));
}
