import { expect, it } from "vitest";
import { parseDispatch, parseFleetEvent, parsePlanRequest } from "../../../cloud/queues/messages.ts";

const step = "0123456789abcdfghijklmnpqrsvwxyz";

it("reads what the senders write", () => {
  const events = [
    { type: "step-ready", step },
    { type: "attempt-finished", step, attempt: 2 },
    { type: "step-settled", step },
    { type: "machine-available", machine: "root@box" },
  ];
  for (const event of events) expect(parseFleetEvent(JSON.stringify(event))).toEqual(event);
  expect(parsePlanRequest('{"build":"b"}')).toEqual({ build: "b" });
  expect(parseDispatch(JSON.stringify({ step, attempt: 1 }))).toEqual({ step, attempt: 1 });
});

it.each([
  ["", "not JSON"],
  ["[]", "Invalid input"],
  ["null", "Invalid input"],
  ['{"type":"step-gone"}', "type"],
  ['{"type":"step-ready"}', "step"],
  ['{"type":"step-ready","step":"too-short"}', "step"],
  [`{"type":"step-ready","step":"${step}","more":1}`, "more"],
  [`{"type":"attempt-finished","step":"${step}","attempt":0}`, "attempt"],
  [`{"type":"attempt-finished","step":"${step}","attempt":1.5}`, "attempt"],
  ['{"type":"machine-available","machine":""}', "machine"],
])("refuses the fleet event %s", (body, problem) => {
  const refusal = expect.objectContaining({ code: "DROVER_MESSAGE", message: expect.stringContaining(problem) });
  expect(() => parseFleetEvent(body)).toThrow(refusal);
});

it("refuses other bodies on the other queues, and shows only the beginning of a long one", () => {
  expect(() => parsePlanRequest("{}")).toThrow(
    expect.objectContaining({ code: "DROVER_MESSAGE", subject: "plan request" }),
  );
  expect(() => parseDispatch('{"step":"x","attempt":1}')).toThrow(
    expect.objectContaining({ code: "DROVER_MESSAGE", subject: "dispatch" }),
  );
  expect(() => parseDispatch("x".repeat(100_000))).toThrow(/^.{0,400}$/);
});
