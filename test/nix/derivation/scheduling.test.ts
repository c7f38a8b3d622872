import { describe, expect, test } from "vitest";
import { byteStringOfText } from "../../../nix/byte-string.ts";
import { requiredFeatures, schedulingAttributes } from "../../../nix/derivation/scheduling.ts";
import { thrown } from "../thrown.ts";
import { derivation } from "./fixtures/store.ts";

const withEnvironment = (environment: Record<string, string>) => ({
  environment: new Map(Object.entries(environment)),
});

describe("attributes from the environment", () => {
  test("are read as Nix wrote them", () => {
    expect(schedulingAttributes(derivation("main"))).toEqual({
      requiredSystemFeatures: ["big-parallel", "kvm"],
      preferLocalBuild: true,
      allowSubstitutes: false,
    });
  });

  test("have defaults", () => {
    expect(schedulingAttributes(derivation("dep"))).toEqual({
      requiredSystemFeatures: [],
      preferLocalBuild: false,
      allowSubstitutes: true,
    });
  });

  test("booleans are true only as 1, and features are separated by any blanks", () => {
    const environment = {
      preferLocalBuild: "true",
      allowSubstitutes: "true",
      requiredSystemFeatures: " kvm\n\tkvm  a ",
    };
    expect(schedulingAttributes(withEnvironment(environment))).toEqual({
      requiredSystemFeatures: ["a", "kvm"],
      preferLocalBuild: false,
      allowSubstitutes: false,
    });
  });
});

describe("structured attributes", () => {
  test("are read as Nix wrote them", () => {
    expect(schedulingAttributes(derivation("structured"))).toEqual({
      requiredSystemFeatures: ["kvm", "nixos-test"],
      preferLocalBuild: true,
      allowSubstitutes: false,
    });
  });

  test("leave no say to variables of the same names", () => {
    const environment = { __json: "{}", requiredSystemFeatures: "kvm", preferLocalBuild: "1", allowSubstitutes: "" };
    expect(schedulingAttributes(withEnvironment(environment))).toEqual({
      requiredSystemFeatures: [],
      preferLocalBuild: false,
      allowSubstitutes: true,
    });
  });

  test("are UTF-8", () => {
    const json = byteStringOfText('{"requiredSystemFeatures":["grün"]}');
    expect(schedulingAttributes(withEnvironment({ __json: json })).requiredSystemFeatures).toEqual(["grün"]);
  });

  test.each([
    ["no JSON", "{", /not JSON/],
    ["a list", "[]", /not an object/],
    ["features in one string", '{"requiredSystemFeatures":"kvm"}', /requiredSystemFeatures has the wrong type/],
    ["features that are numbers", '{"requiredSystemFeatures":[1]}', /requiredSystemFeatures has the wrong type/],
    ["a boolean as text", '{"preferLocalBuild":"1"}', /preferLocalBuild has the wrong type/],
    ["null", '{"allowSubstitutes":null}', /allowSubstitutes has the wrong type/],
  ])("%s is refused", (_, json, message) => {
    const error = thrown(() => schedulingAttributes(withEnvironment({ __json: json })));
    expect(error).toMatchObject({ code: "DROVER_DERIVATION_ATTRIBUTES", subject: "__json" });
    expect(error.message).toMatch(message);
  });
});

test.each([
  ["main", ["big-parallel", "kvm"]],
  ["fod", []],
  ["floating", ["ca-derivations"]],
  ["deferred", ["ca-derivations"]],
  ["impure", ["ca-derivations"]],
])("%s requires %j", (name, features) => {
  expect(requiredFeatures(derivation(name))).toEqual(features);
});
