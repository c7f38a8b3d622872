import { describe, expect, it } from "vitest";
import { createIdempotencyKey } from "../../../cli/build/idempotency-key.ts";

describe("createIdempotencyKey()", () => {
  it("is a UUID of version 7 with the time in front", () => {
    // The time of RFC 9562's example for version 7 (appendix A.6).
    expect(createIdempotencyKey(0x017f22e279b0)).toMatch(/^017f22e2-79b0-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it("is another one each time", () => {
    expect(new Set(Array.from({ length: 100 }, () => createIdempotencyKey(1))).size).toBe(100);
  });
});
