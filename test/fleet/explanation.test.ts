import { describe, expect, test } from "vitest";
import { describeVerdict, waitingReason } from "../../fleet/explanation.ts";
import type { Machine } from "../../fleet/machine.ts";
import { place, type MachineVerdict } from "../../fleet/placement.ts";
import { requirement } from "../../fleet/requirement.ts";
import { connectionRefused, machine } from "./machine-samples.ts";

const now = Date.UTC(2026, 10, 22, 12, 0, 0);
const until = now + 5_000;

describe("a verdict as a phrase", () => {
  const load = { load: 1 / 3, running: 1, maxJobs: 8, speedFactor: 3 };
  const phrases: [MachineVerdict, string][] = [
    [{ machine: "m", verdict: "chosen", ...load }, "chosen (load 0.33, 1/8 slots held, speed factor 3)"],
    [
      { machine: "m", verdict: "ranked-lower", ...load, load: 2 },
      "ranked lower (load 2, 1/8 slots held, speed factor 3)",
    ],
    [
      { machine: "m", verdict: "wrong-system", wanted: "x86_64-linux", systems: ["aarch64-darwin", "x86_64-darwin"] },
      "wrong system (builds aarch64-darwin, x86_64-darwin, not x86_64-linux)",
    ],
    [
      { machine: "m", verdict: "wrong-system", wanted: "x86_64-linux", systems: [] },
      "wrong system (builds nothing, not x86_64-linux)",
    ],
    [{ machine: "m", verdict: "lacks-features", missing: ["kvm", "nixos-test"] }, "lacks feature kvm, nixos-test"],
    [
      { machine: "m", verdict: "mandatory-features", notAskedFor: ["benchmark"] },
      "takes only steps that ask for benchmark",
    ],
    [{ machine: "m", verdict: "no-slots" }, "has no slots (maxJobs is 0)"],
    [{ machine: "m", verdict: "drained" }, "drained"],
    [
      { machine: "m", verdict: "drained", reason: connectionRefused },
      "drained by Drover (connection refused): drover machines show m",
    ],
    [{ machine: "m", verdict: "no-host-key" }, "untrusted: no host key is stored for it (drover machines trust)"],
    [
      { machine: "m", verdict: "backing-off", until, reason: connectionRefused },
      "backing off until 2026-11-22T12:00:05.000Z (connection refused)",
    ],
    [{ machine: "m", verdict: "full", running: 8, maxJobs: 8 }, "full 8/8"],
  ];
  test.each(phrases)("%o", (verdict, phrase) => {
    expect(describeVerdict(verdict)).toBe(phrase);
  });
});

describe("why a step waits", () => {
  const reason = (machines: readonly Machine[], features: string[] = []) =>
    waitingReason(place(requirement("x86_64-linux", features), machines, now));

  // From the nearest miss to the farthest.
  const misses: readonly Machine[] = [
    machine({ name: "full", running: 1 }),
    machine({ name: "backing-off", health: { state: "backing-off", faults: 1, until, reason: connectionRefused } }),
    machine({ name: "drained", mode: "drained" }),
    machine({ name: "no-host-key", spec: { hostKey: null } }),
    machine({ name: "no-slots", spec: { maxJobs: 0 } }),
    machine({ name: "mandatory", spec: { mandatoryFeatures: ["benchmark"] } }),
    machine({ name: "lacks-one", spec: { supportedFeatures: ["kvm"] } }),
    machine({ name: "lacks-two" }),
    machine({ name: "wrong-system", spec: { systems: ["aarch64-linux"] } }),
  ];

  test("it does not wait when a machine was chosen", () => {
    expect(reason([...misses, machine({ name: "free" })])).toBeUndefined();
  });

  test.each(misses.slice(0, 6).map(({ name }, at) => [name, at] as const))("the nearest miss is %s", (name, at) => {
    const others = misses.slice(at).filter((each) => !each.name.startsWith("lacks"));
    expect(reason(others.toReversed())?.nearest?.machine).toBe(name);
  });

  test("who lacks fewer features is nearer, and any system that fits is nearer than another", () => {
    const wanted = ["kvm", "nixos-test"];
    expect(reason(misses.slice(6).toReversed(), wanted)?.nearest?.machine).toBe("lacks-one");
    expect(reason(misses.slice(7).toReversed(), wanted)?.nearest?.machine).toBe("lacks-two");
    expect(reason(misses.slice(8), wanted)?.nearest?.machine).toBe("wrong-system");
  });

  test("it says whether time will help", () => {
    const featureless = misses.filter(({ name }) => !name.startsWith("lacks"));
    expect(reason(featureless)).toMatchObject({
      kind: "all-full",
      message: "all slots are held; nearest full: full 1/1",
    });
    expect(reason(featureless.slice(1))).toMatchObject({
      kind: "backing-off",
      message: "nearest backing-off: backing off until 2026-11-22T12:00:05.000Z (connection refused)",
    });
    expect(reason(featureless.slice(2))).toMatchObject({
      kind: "no-eligible-machine",
      message: "no machine can build x86_64-linux; nearest miss drained: drained",
    });
    expect(reason(misses.slice(7), ["kvm", "nixos-test"])).toMatchObject({
      kind: "no-eligible-machine",
      message:
        "no machine can build x86_64-linux with kvm, nixos-test; nearest miss lacks-two: lacks feature kvm, nixos-test",
    });
    expect(reason([], ["kvm"])).toEqual({
      kind: "no-machines",
      message: "no machine is registered; x86_64-linux with kvm is wanted",
      nearest: null,
    });
  });
});
