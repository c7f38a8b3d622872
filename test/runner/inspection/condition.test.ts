import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inspectionFault } from "../../../fleet/inspection.ts";
import { bootForRunner, registered, type RunnerFleet } from "../boot.ts";
import { exceptions, inspect, row } from "./inspecting.ts";

const host = process.arch === "arm64" ? "aarch64-linux" : "x86_64-linux";

/** So that other programs can be put beside it. */
const realNixStore = 'exec /usr/bin/nix-store "$@"';

let fleet: RunnerFleet;

beforeAll(async () => {
  fleet = await bootForRunner(
    { name: "itchy", supportedFeatures: ["big-parallel"] },
    { name: "small", storeSizeMegabytes: 1_500 },
    { name: "small-forced", storeSizeMegabytes: 60, forcedCommand: "nix-store --serve --write" },
    { name: "early", programs: { date: "echo $(($(/bin/date +%s) - 7500))" } },
    { name: "without-nix", programs: { "nix-store": realNixStore, nix: "exit 1" } },
    { name: "slow", programs: { "nix-store": realNixStore, "nix-instantiate": "exec sleep 100" } },
  );
});

afterAll(async () => {
  await fleet[Symbol.asyncDispose]();
});

describe("an inspection of a machine that is not what its line says", () => {
  const wrong = { systems: ["aarch64-darwin", "x86_64-darwin"] };

  it("fails where it has none of the claimed systems", async () => {
    const inspection = await inspect(fleet, registered(fleet.machine("itchy"), wrong));
    expect(exceptions(inspection)).toEqual({ system: "failed" });
    expect(row(inspection, "system")).toMatchObject({
      code: "DROVER_MACHINE_MISDESCRIBED",
      found: `claims aarch64-darwin, x86_64-darwin, but is ${host}`,
      remedy: expect.stringContaining("extra-platforms"),
    });
  });

  it("warns where it lacks some of them, over all its lines", async () => {
    const machine = registered(fleet.machine("itchy"));
    const alternatives = [{ ...machine.spec, ...wrong }];
    const inspection = await inspect(fleet, { ...machine, alternatives });
    expect(exceptions(inspection)).toEqual({ system: "warning" });
    expect(row(inspection, "system").found).toBe(`claims aarch64-darwin, x86_64-darwin, but is ${host}`);
  });

  it("says what else it could do", async () => {
    const inspection = await inspect(fleet, registered(fleet.machine("itchy"), { supportedFeatures: [], systems: [] }));
    expect(exceptions(inspection)).toEqual({});
    expect(row(inspection, "system").found).toBe(`is ${host}; its line claims none, so only builtin builds come`);
    expect(row(inspection, "system-features").found).toBe("claims none, has big-parallel");
  });

  it("warns where it lacks a claimed feature", async () => {
    const spec = { supportedFeatures: ["big-parallel", "kvm"] };
    const inspection = await inspect(fleet, registered(fleet.machine("itchy"), spec));
    expect(exceptions(inspection)).toEqual({ "system-features": "warning" });
    expect(row(inspection, "system-features")).toMatchObject({
      code: "DROVER_MACHINE_MISDESCRIBED",
      found: "claims kvm, but has big-parallel",
      remedy: expect.stringContaining("system-features"),
    });
  });

  it("fails where it lacks what is in every build that comes", async () => {
    const machine = registered(fleet.machine("itchy"), { mandatoryFeatures: ["kvm"] });
    expect(exceptions(await inspect(fleet, machine))).toEqual({ "system-features": "failed" });
    const other = { ...machine.spec, mandatoryFeatures: [] };
    expect(exceptions(await inspect(fleet, { ...machine, alternatives: [other] }))).toEqual({
      "system-features": "warning",
    });
  });

  it("does not know where Nix does not show its settings", async () => {
    const inspection = await inspect(fleet, registered(fleet.machine("without-nix")));
    expect(exceptions(inspection)).toEqual({ system: "not-checked", "system-features": "not-checked" });
    expect(row(inspection, "system").found).toContain("there is no nix beside nix-store");
  });
});

describe("an inspection of a machine that runs out of disk", () => {
  it("warns of little, and fails for hardly anything", async () => {
    const machine = fleet.machine("small");
    await machine.fillDisk(600);
    const little = await inspect(fleet, registered(machine));
    expect(exceptions(little)).toEqual({ "free-disk": "warning" });
    expect(row(little, "free-disk")).toMatchObject({
      code: "DROVER_DISK_NEARLY_FULL",
      found: expect.stringMatching(/^(599|600|601) MiB of 1\.5 GiB free \((39|40) %\) at \/nix\/store$/),
      remedy: expect.stringContaining("nix-collect-garbage"),
    });
    await machine.freeDisk();
    await machine.fillDisk(50);
    const hardly = await inspect(fleet, registered(machine));
    expect(exceptions(hardly)).toEqual({ "free-disk": "failed" });
    expect(row(hardly, "free-disk")).toMatchObject({ code: "DROVER_DISK_FULL" });
    await machine.freeDisk();
    expect(exceptions(await inspect(fleet, registered(machine)))).toEqual({});
  });

  it("names the full disk where nothing is left, with any key", async () => {
    for (const name of ["small", "small-forced"]) {
      const machine = fleet.machine(name);
      await machine.fillDisk();
      const inspection = await inspect(fleet, registered(machine));
      await machine.freeDisk();
      expect(inspectionFault(inspection)?.code).toMatch(/^DROVER_DISK_(FULL|FAULT)$/);
      expect(inspectionFault(inspection)?.remedy).toContain("nix-collect-garbage");
    }
  });
});

describe("an inspection of a machine with smaller faults", () => {
  it("warns of a clock that is wrong", async () => {
    const inspection = await inspect(fleet, registered(fleet.machine("early")));
    expect(exceptions(inspection)).toEqual({ clock: "warning" });
    expect(row(inspection, "clock")).toMatchObject({
      code: "DROVER_CLOCK_SKEW",
      found: "2 h behind the runner's",
      remedy: expect.stringContaining("NTP"),
    });
    const late = await inspect(fleet, registered(fleet.machine("itchy")), { now: () => Date.now() - 90_000 });
    expect(row(late, "clock").found).toMatch(/^(89|90|91) s ahead of the runner's$/);
  });

  it("keeps what a shell has said before it hangs", async () => {
    const inspection = await inspect(fleet, registered(fleet.machine("slow")));
    expect(exceptions(inspection)).toEqual({
      system: "not-checked",
      "system-features": "not-checked",
      "free-disk": "not-checked",
    });
    expect(row(inspection, "nix-version").found).toBe("2.8.0");
  });
});
