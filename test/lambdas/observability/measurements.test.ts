import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createMeasurements } from "../../../lambdas/observability/measurements.ts";

const written: string[] = [];
beforeEach(() => {
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

function lines(): unknown[] {
  return written.splice(0).map((text) => JSON.parse(text));
}

describe("a figure", () => {
  test("is a line of the embedded metric format, of its service and its deployment", () => {
    createMeasurements("sweep", "second").count("Swept.undispatched", 3);
    expect(lines()).toEqual([
      {
        _aws: {
          Timestamp: expect.any(Number),
          CloudWatchMetrics: [
            {
              Namespace: "Drover",
              Dimensions: [["service", "deployment"]],
              Metrics: [{ Name: "Swept.undispatched", Unit: "Count" }],
            },
          ],
        },
        service: "drover-sweep",
        deployment: "second",
        "Swept.undispatched": 3,
      },
    ]);
  });

  test("has facts beside it that make no metric of their own", () => {
    const measurements = createMeasurements("api", "drover");
    measurements.milliseconds("RequestDuration", 12, { operation: "getBuild" });
    measurements.milliseconds("RequestDuration", 0);
    const [first, second] = lines();
    expect(first).toMatchObject({
      _aws: { CloudWatchMetrics: [{ Dimensions: [["service", "deployment"]] }] },
      operation: "getBuild",
      RequestDuration: 12,
    });
    expect(second).toMatchObject({ RequestDuration: 0 });
    expect(second).not.toHaveProperty("operation");
  });

  test("of what has not happened costs nothing, and a level of zero is one", () => {
    const measurements = createMeasurements("sweep", "drover");
    measurements.count("Swept.unsettled", 0);
    expect(lines()).toEqual([]);
    measurements.level("SlotDrift", 0);
    expect(lines()).toMatchObject([{ SlotDrift: 0 }]);
  });
});
