import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Machine } from "../../fleet/machine.ts";
import { place } from "../../fleet/placement.ts";
import { requirement } from "../../fleet/requirement.ts";
import { parseMachines } from "../../nix/machine-spec/parse.ts";
import { connectionRefused, machine } from "./machine-samples.ts";
import { chooseLikeNix } from "./nix-build-hook.ts";

const now = 1_700_000_000_000;

/** Machines in this order; names are made of it. */
function fleet(...machines: Parameters<typeof machine>[0][]): Machine[] {
  return machines.map((each, position) => machine({ name: `m${position}`, position, ...each }));
}

function chosen(machines: readonly Machine[], system = "x86_64-linux", features: readonly string[] = []) {
  return place(requirement(system, features), machines, now).chosen;
}

describe("the example of Nix's manual", () => {
  // The chapter on remote builds, whose machines have no host keys; here somebody has confirmed them.
  const text = `
nix@scratchy.labs.cs.uu.nl  i686-linux      /home/nix/.ssh/id_scratchy_auto        8 1 kvm
nix@itchy.labs.cs.uu.nl     i686-linux      /home/nix/.ssh/id_scratchy_auto        8 2
nix@poochie.labs.cs.uu.nl   i686-linux      /home/nix/.ssh/id_scratchy_auto        1 2 kvm benchmark
`;
  const machines = parseMachines(text, { defaultSystem: "x86_64-linux" }).machines.map((spec, position) =>
    machine({ name: /@(\w+)/.exec(spec.uri)?.[1] ?? "", position, spec: { ...spec, hostKey: "c3No" } }),
  );

  test.each([
    { features: [], running: {}, choice: "itchy" },
    { features: [], running: { itchy: 1 }, choice: "scratchy" },
    { features: [], running: { itchy: 2, scratchy: 1 }, choice: "itchy" },
    { features: [], running: { itchy: 8, scratchy: 7 }, choice: "scratchy" },
    { features: [], running: { itchy: 8, scratchy: 8 }, choice: null },
    { features: ["kvm"], running: {}, choice: "scratchy" },
    { features: ["kvm"], running: { scratchy: 8 }, choice: null },
    { features: ["benchmark"], running: {}, choice: "poochie" },
    { features: ["benchmark", "kvm"], running: {}, choice: "poochie" },
    { features: ["benchmark", "kvm"], running: { poochie: 1 }, choice: null },
    { features: ["big-parallel"], running: {}, choice: null },
  ])("$features with $running held goes to $choice", ({ features, running, choice }) => {
    const held = machines.map((each) => machine({ ...each, running: Object(running)[each.name] ?? 0 }));
    expect(chosen(held, "i686-linux", features)).toBe(choice);
  });

  test("poochie takes only steps that ask for benchmark", () => {
    const { verdicts } = place(requirement("i686-linux", ["kvm"]), machines, now);
    expect(verdicts.map(({ machine: name, verdict }) => `${name}: ${verdict}`)).toEqual([
      "scratchy: chosen",
      "itchy: lacks-features",
      "poochie: mandatory-features",
    ]);
  });

  test("nothing but builtin derivations for another system", () => {
    expect(chosen(machines, "x86_64-darwin")).toBeNull();
    expect(chosen(machines, "builtin")).toBe("itchy");
  });
});

describe("ranking", () => {
  test("a load is a fraction: 3 jobs at speed 4 rank behind an idle machine", () => {
    const machines = fleet({ running: 3, spec: { speedFactor: 4, maxJobs: 8 } }, { spec: { maxJobs: 8 } });
    expect(chosen(machines)).toBe("m1");
  });

  test("at equal loads the faster machine wins, then the one with fewer jobs, then the earlier one", () => {
    const maxJobs = 8;
    expect(chosen(fleet({ running: 1, spec: { maxJobs } }, { running: 2, spec: { speedFactor: 2, maxJobs } }))).toBe(
      "m1",
    );
    expect(chosen(fleet({ spec: { maxJobs } }, { spec: { maxJobs, speedFactor: 1.5 } }))).toBe("m1");
    expect(chosen(fleet({}, {}, {}))).toBe("m0");
  });

  test("the order is that of the positions, whatever the order of the array", () => {
    expect(chosen(fleet({}, {}, {}).toReversed())).toBe("m0");
    const verdicts = place(requirement("x86_64-linux", []), fleet({}, {}, {}).toReversed(), now).verdicts;
    expect(verdicts.map(({ machine: name }) => name)).toEqual(["m0", "m1", "m2"]);
  });

  test("machines at the same position are in order of name", () => {
    const twins = ["b", "a"].map((name) => machine({ name }));
    expect(chosen(twins)).toBe("a");
  });

  test("loads are compared with the precision of Nix's 32-bit floats", () => {
    const slow = { running: 6, spec: { speedFactor: 2.2, maxJobs: 10 } };
    const fast = { running: 9, spec: { speedFactor: 3.3, maxJobs: 10 } };
    expect(6 / 2.2).toBeLessThan(9 / 3.3);
    expect(chosen(fleet(slow, fast))).toBe("m1");
  });

  const features = ["kvm", "benchmark", "big-parallel"];
  const machines = fc
    .array(
      fc.record({
        running: fc.nat({ max: 4 }),
        spec: fc.record({
          maxJobs: fc.nat({ max: 4 }),
          speedFactor: fc.oneof(
            fc.constantFrom(1, 2, 3, 0.5, 1.1, 2.2, 3.3),
            fc.double({ min: 0.01, max: 100, noNaN: true }),
          ),
          systems: fc.subarray(["x86_64-linux", "i686-linux"]),
          supportedFeatures: fc.subarray(features),
          mandatoryFeatures: fc.oneof(
            { weight: 3, arbitrary: fc.constant<string[]>([]) },
            { weight: 1, arbitrary: fc.subarray(features) },
          ),
        }),
      }),
      { maxLength: 6 },
    )
    .map((list) => fleet(...list));

  test("is the choice of Nix's own loop", () => {
    let choices = 0;
    fc.assert(
      fc.property(
        machines,
        fc.constantFrom("x86_64-linux", "i686-linux", "builtin"),
        fc.subarray(features),
        (list, system, wanted) => {
          const likeNix = chooseLikeNix(list, system, wanted)?.name ?? null;
          if (likeNix !== null) choices++;
          expect(chosen(list, system, wanted)).toBe(likeNix);
        },
      ),
      { numRuns: 2_000 },
    );
    expect(choices).toBeGreaterThan(500);
  });

  test("every machine gets one verdict, and exactly the chosen one says so", () => {
    fc.assert(
      fc.property(machines, fc.subarray(features), (list, wanted) => {
        const placement = place(requirement("x86_64-linux", wanted), list, now);
        expect(placement.verdicts.map(({ machine: name }) => name)).toEqual(list.map(({ name }) => name));
        const winners = placement.verdicts.filter(({ verdict }) => verdict === "chosen");
        expect(winners.map(({ machine: name }) => name)).toEqual(placement.chosen === null ? [] : [placement.chosen]);
        const losers = placement.verdicts.filter(({ verdict }) => verdict === "ranked-lower");
        expect(placement.chosen !== null || losers.length === 0).toBe(true);
      }),
    );
  });
});

describe("verdicts", () => {
  const verdict = (changes: Parameters<typeof machine>[0], features: string[] = []) =>
    place(requirement("x86_64-linux", features), [machine(changes)], now).verdicts[0];
  const backingOff = (until: number) => ({
    health: { state: "backing-off" as const, faults: 2, until, reason: connectionRefused },
  });

  test.each([
    [
      "chosen",
      verdict({ running: 1, spec: { maxJobs: 4, speedFactor: 2 } }),
      { verdict: "chosen", load: 0.5, running: 1, maxJobs: 4, speedFactor: 2 },
    ],
    [
      "wrong system",
      verdict({ spec: { systems: ["aarch64-linux", "armv7l-linux"] } }),
      { verdict: "wrong-system", wanted: "x86_64-linux", systems: ["aarch64-linux", "armv7l-linux"] },
    ],
    [
      "missing features, only those that are missing",
      verdict({ spec: { supportedFeatures: ["kvm"] } }, ["kvm", "big-parallel", "ca-derivations"]),
      { verdict: "lacks-features", missing: ["big-parallel", "ca-derivations"] },
    ],
    [
      "mandatory features, only those not asked for",
      verdict({ spec: { mandatoryFeatures: ["benchmark", "kvm"] } }, ["kvm"]),
      { verdict: "mandatory-features", notAskedFor: ["benchmark"] },
    ],
    ["no slots at all", verdict({ spec: { maxJobs: 0 } }), { verdict: "no-slots" }],
    ["drained", verdict({ mode: "drained" }), { verdict: "drained" }],
    [
      "drained by Drover itself, and why",
      verdict({ mode: "drained", drainedFor: connectionRefused }),
      { verdict: "drained", reason: connectionRefused },
    ],
    ["no host key", verdict({ spec: { hostKey: null } }), { verdict: "no-host-key" }],
    [
      "backing off",
      verdict(backingOff(now + 1)),
      { verdict: "backing-off", until: now + 1, reason: connectionRefused },
    ],
    ["full", verdict({ running: 2, spec: { maxJobs: 2 } }), { verdict: "full", running: 2, maxJobs: 2 }],
    [
      "fuller than full, when the owner has lowered its jobs",
      verdict({ running: 3, spec: { maxJobs: 2 } }),
      { verdict: "full", running: 3, maxJobs: 2 },
    ],
  ])("%s", (_, actual, expected) => {
    expect(actual).toEqual({ machine: "itchy", ...expected });
  });

  test("mandatory features count as supported ones", () => {
    expect(verdict({ spec: { mandatoryFeatures: ["benchmark"] } }, ["benchmark"])).toMatchObject({ verdict: "chosen" });
  });

  test("a back-off does not end by itself: a probe has to find the machine well", () => {
    expect(verdict(backingOff(now - 1))).toMatchObject({ verdict: "backing-off" });
    const health = { state: "on-probation", faults: 2, reason: connectionRefused } as const;
    expect(verdict({ health })).toMatchObject({ verdict: "chosen" });
  });

  test("what can never be comes before what can not be now", () => {
    const busy = { mode: "drained" as const, running: 1, ...backingOff(now + 1) };
    expect(verdict({ ...busy, spec: { systems: [], hostKey: null } })).toMatchObject({ verdict: "wrong-system" });
    expect(verdict({ ...busy, spec: { hostKey: null } })).toMatchObject({ verdict: "drained" });
    expect(verdict({ ...busy, mode: "enabled", spec: { hostKey: null } })).toMatchObject({ verdict: "no-host-key" });
    expect(verdict({ ...busy, mode: "enabled" })).toMatchObject({ verdict: "backing-off" });
  });

  describe("a machine of several lines", () => {
    const lines = {
      spec: { systems: ["x86_64-linux"], supportedFeatures: ["kvm"], maxJobs: 4 },
      alternatives: [
        { systems: ["aarch64-linux"], maxJobs: 2, speedFactor: 0.5, supportedFeatures: [], mandatoryFeatures: [] },
        {
          systems: ["i686-linux"],
          maxJobs: 8,
          speedFactor: 1,
          supportedFeatures: [],
          mandatoryFeatures: ["benchmark"],
        },
      ],
    };
    const on = (system: string, features: string[] = [], running = 0) =>
      place(requirement(system, features), [machine({ ...lines, running })], now).verdicts[0];

    test("takes what any of its lines takes, with that line's speed and slots", () => {
      expect(on("x86_64-linux", ["kvm"])).toMatchObject({ verdict: "chosen", speedFactor: 1, maxJobs: 4 });
      expect(on("aarch64-linux", [], 1)).toMatchObject({ verdict: "chosen", load: 2, maxJobs: 2 });
    });

    test("features belong to their line, not to the machine", () => {
      expect(on("aarch64-linux", ["kvm"])).toMatchObject({ verdict: "lacks-features", missing: ["kvm"] });
      expect(on("i686-linux")).toMatchObject({ verdict: "mandatory-features", notAskedFor: ["benchmark"] });
    });

    test("shares its slots between the lines", () => {
      expect(on("aarch64-linux", [], 2)).toMatchObject({ verdict: "full", running: 2, maxJobs: 2 });
      expect(on("x86_64-linux", [], 2)).toMatchObject({ verdict: "chosen" });
      expect(on("i686-linux", ["benchmark"], 7)).toMatchObject({ verdict: "chosen" });
      expect(on("i686-linux", ["benchmark"], 8)).toMatchObject({ verdict: "full", running: 8, maxJobs: 8 });
    });

    test("that all want another system names the systems of all", () => {
      expect(on("riscv64-linux")).toMatchObject({
        verdict: "wrong-system",
        systems: ["x86_64-linux", "aarch64-linux", "i686-linux"],
      });
    });

    test("ranks with the best line for the step, as Nix does, for which each line is a machine", () => {
      const spec = { speedFactor: 1, maxJobs: 4 };
      const fast = {
        systems: ["x86_64-linux"],
        maxJobs: 4,
        speedFactor: 4,
        supportedFeatures: [],
        mandatoryFeatures: [],
      };
      const machines = [
        machine({ name: "a", running: 1, spec }),
        machine({ name: "b", running: 1, spec, alternatives: [fast] }),
      ];
      expect(place(requirement("x86_64-linux", []), machines, now).chosen).toBe("b");
    });
  });

  test("no machines at all is a placement without a choice", () => {
    expect(place(requirement("x86_64-linux", ["kvm"]), [], now)).toEqual({
      requirement: { system: "x86_64-linux", features: ["kvm"] },
      chosen: null,
      verdicts: [],
      decidedAt: now,
    });
  });
});
