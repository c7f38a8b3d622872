import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildIdsOfKey, newBuildId } from "../../../lambdas/api/builds/build-id.ts";
import { buildId } from "../../../lambdas/api/schema/words.ts";

/** RFC 9562, appendix A.6. */
const rfcExample = "017F22E2-79B0-7CC3-98C4-DC0C0C07398F";
const rfcTime = Date.parse("2022-02-22T14:22:22.000-05:00");
const hour = 3_600_000;

describe("a build's id", () => {
  test("begins with the 48 bits of its time, the version and the variant of RFC 9562", () => {
    expect(newBuildId(rfcTime)).toMatch(/^bld_017f22e279b07[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
  });

  test("sorts by age, whatever its random part is", () => {
    const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });
    fc.assert(
      fc.property(time, time, (a, b) => {
        fc.pre(a !== b);
        expect(newBuildId(a) < newBuildId(b)).toBe(a < b);
      }),
    );
  });

  test("is always one that the schema takes, and never twice the same", () => {
    const ids = Array.from({ length: 1_000 }, () => newBuildId(rfcTime));
    expect(new Set(ids).size).toBe(1_000);
    for (const id of ids) expect(buildId.safeParse(id).success).toBe(true);
  });
});

describe("the ids of an idempotency key", () => {
  test("take the time of a key that is a UUID of version 7, with or without dashes", () => {
    const ids = buildIdsOfKey(rfcExample, "embedded", rfcTime + 23 * hour);
    expect(ids).toEqual([expect.stringMatching(/^bld_017f22e279b07/)]);
    expect(buildIdsOfKey(rfcExample, "embedded", rfcTime)).toEqual(ids);
    expect(buildIdsOfKey(rfcExample.replaceAll("-", ""), "embedded", rfcTime)[0]).toMatch(/^bld_017f22e279b07/);
  });

  test("do not believe a UUID of long ago or of the future", () => {
    for (const now of [rfcTime + 25 * hour, rfcTime - hour]) {
      const ids = buildIdsOfKey(rfcExample, "embedded", now);
      expect(ids).toHaveLength(2);
      expect(ids[0]).not.toMatch(/^bld_017f22e279b07/);
    }
  });

  test("meet within an hour of each other, also across the turn of the hour", () => {
    const moment = fc.integer({ min: hour, max: 2 ** 47 });
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), moment, fc.integer({ min: 0, max: hour }), (key, first, later) => {
        expect(buildIdsOfKey(key, "embedded", first + later)).toContain(buildIdsOfKey(key, "embedded", first)[0]);
      }),
    );
  });

  test("differ by key and by caller", () => {
    const ids = [
      buildIdsOfKey("a", "one", rfcTime),
      buildIdsOfKey("b", "one", rfcTime),
      buildIdsOfKey("a", "two", rfcTime),
    ].flat();
    expect(new Set(ids).size).toBe(6);
  });
});
