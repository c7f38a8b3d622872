import { expect, it } from "vitest";
import {
  parseDispatch,
  parseFleetEvent,
  parseInspectionRequest,
  parsePlanRequest,
} from "../../../cloud/queues/messages.ts";
import { uuidV7 } from "../../../cloud/uuid-v7.ts";

const step = "0123456789abcdfghijklmnpqrsvwxyz";

it("reads what the senders write", () => {
  const events = [
    { type: "step-ready", step },
    { type: "attempt-finished", step, attempt: 2 },
    { type: "step-settled", step },
    { type: "machine-available", machine: "root@box" },
    { type: "machine-inspected", machine: "root@box" },
  ];
  for (const event of events) expect(parseFleetEvent(JSON.stringify(event))).toEqual(event);
  expect(parsePlanRequest('{"build":"b"}')).toEqual({ build: "b" });
  const request = { machine: "root@box:22", id: uuidV7(1_700_000_000_000) };
  expect(parseInspectionRequest(JSON.stringify(request))).toEqual(request);
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
  for (const body of ['{"machine":"box"}', '{"machine":"","id":"0198f2a4-c3b0-7d5e-9a3c-1f4e6b8d0a27"}']) {
    expect(() => parseInspectionRequest(body)).toThrow(
      expect.objectContaining({ code: "DROVER_MESSAGE", subject: "inspection request" }),
    );
  }
  // Only version 7 sorts by time.
  expect(() => parseInspectionRequest('{"machine":"box","id":"9b2f7a1c-5d3e-4f60-8a91-b2c3d4e5f607"}')).toThrow("id");
  expect(() => parseDispatch("x".repeat(100_000))).toThrow(/^.{0,400}$/);
});
