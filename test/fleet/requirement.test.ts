import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseRequirementClass, requirement, requirementClass } from "../../fleet/requirement.ts";

test("equal requirements have one class, however their features are written", () => {
  const written = requirement("x86_64-linux", ["kvm", "benchmark", "kvm"]);
  expect(written).toEqual({ system: "x86_64-linux", features: ["benchmark", "kvm"] });
  expect(requirementClass(written)).toBe("x86_64-linux+benchmark+kvm");
  expect(requirementClass(requirement("x86_64-linux", []))).toBe("x86_64-linux");
});

test("a class can be read back, whatever is in its names", () => {
  const name = fc.string({ unit: "binary", minLength: 1 }).filter((text) => text.isWellFormed());
  fc.assert(
    fc.property(name, fc.array(name), (system, features) => {
      const wanted = requirement(system, features);
      expect(parseRequirementClass(requirementClass(wanted))).toEqual(wanted);
    }),
  );
});
