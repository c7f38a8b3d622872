import { describe, expect, it } from "vitest";
import { parseOptions } from "../../infra/options.ts";

describe("the deployment's options", () => {
  it("have defaults for all", () => {
    const defaults = parseOptions(undefined);
    expect(defaults).toMatchObject({ name: "drover", runner: { cpu: 256, memory: 512, attempts: 64 } });
    expect(parseOptions({})).toEqual(defaults);
  });

  it("are an object in cdk.json, or JSON after -c", () => {
    expect(parseOptions('{"name": "other", "retention": {"buildLogs": 3}}')).toEqual(
      parseOptions({ name: "other", retention: { buildLogs: 3 } }),
    );
  });

  it("are refused with every error at once, by their paths", () => {
    const wrong = { nmae: "x", name: "Drover", runner: { cpus: 1 }, upstreamCaches: ["cache.nixos.org"] };
    expect(() => parseOptions(wrong)).toThrow(
      /4 error\(s\): (?=.*\bnmae: no such option)(?=.*\bname: must be)(?=.*runner\.cpus: no such)(?=.*upstreamCaches\.0: )/,
    );
  });

  it("know which tasks Fargate has", () => {
    expect(() => parseOptions({ runner: { cpu: 256, memory: 4096 } })).toThrow(/runner\.memory: Fargate has no task/);
    expect(parseOptions({ runner: { cpu: 512, memory: 4096 } }).runner.memory).toBe(4096);
  });

  it("must be an object", () => {
    expect(() => parseOptions("name=other")).toThrow(/drover: /);
  });
});
