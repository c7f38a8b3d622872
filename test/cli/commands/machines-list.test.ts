import { describe, expect, it } from "vitest";
import { machineListLines, remedyLines } from "../../../cli/commands/machines-list.ts";
import { plain } from "../../../cli/terminal/style.ts";
import { startMachineService } from "../machine-service.ts";
import { runDrover } from "../run-drover.ts";
import { failure, inspection, later, machine, mismatch, warning } from "../views.ts";

const reason = { code: "DROVER_SSH", message: "connection refused", remedy: "Start sshd." };
const backingOff = { state: "backing-off", faults: 2, until: later(5000), reason } as const;
const now = Date.parse(later(60_000));

describe("drover machines list", () => {
  it("shows what each machine does, what keeps it from building, and what was found there", () => {
    const offer = { systems: ["i686-linux"], maxJobs: 2, speedFactor: 1, supportedFeatures: [], mandatoryFeatures: [] };
    const machines = [
      machine("itchy", { inspection: inspection("itchy", [warning]) }),
      machine("scratchy", { mode: "drained", mandatoryFeatures: ["benchmark"], alternatives: [offer] }),
      machine("poochie", { trusted: false, hostKey: null }),
      machine("mac", { health: backingOff, inspection: inspection("mac", [failure]) }),
    ];
    expect(machineListLines(machines, now, plain)).toEqual([
      "MACHINE   SLOTS  SPEED  SYSTEMS                  FEATURES        INSPECTED                    CONDITION",
      "itchy     1/4    1.5    x86_64-linux,i686-linux  kvm             1 warning 1 min ago          ready",
      "scratchy  1/4    1.5    x86_64-linux,i686-linux  kvm,benchmark!  never                        drained",
      "  or      1/2    1      i686-linux               -",
      "poochie   1/4    1.5    x86_64-linux,i686-linux  kvm             never                        untrusted (no host key is stored for it)",
      "mac       1/4    1.5    x86_64-linux,i686-linux  kvm             failed 1 min ago: nix-store  backing off until 2026-11-22T13:37:05.000Z (connection refused)",
    ]);
  });

  it("tells below it, and not to programs, what to do about what does not work", async () => {
    const machines = [
      machine("itchy", { inspection: inspection("itchy", [warning]) }),
      machine("mac", { mode: "drained", drainedFor: mismatch }),
      machine("poochie", { trusted: false }),
    ];
    await using service = await startMachineService(machines);
    const { stdout, stderr, code } = await runDrover(["machines", "list"], service);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^mac .* HOST KEY CHANGED: drained \(/m);
    expect(stderr.split("\n")).toEqual([
      expect.stringMatching(/^remedy: mac: Find out why.* drover machines trust mac --replace$/),
      "remedy: poochie: Look at its host key and confirm it: drover machines trust poochie",
      "",
    ]);
    const json = await runDrover(["machines", "list", "--json"], service);
    expect({ ...json, stdout: JSON.parse(json.stdout) }).toEqual({
      stdout: { machines, etag: '"fleet"' },
      stderr: "",
      code: 0,
    });
  });
});

describe("remedyLines()", () => {
  it.each([
    ["of the latest inspection", { inspection: inspection("mac", [warning, failure]) }, failure.remedy],
    ["of its condition before that", { health: backingOff, inspection: inspection("mac", [failure]) }, "Start sshd."],
    ["but not of one before a change", { inspection: inspection("mac", [failure], { outdated: true }) }, undefined],
    ["and not of warnings", { inspection: inspection("mac", [warning]) }, undefined],
  ])("are those %s", (_, more, remedy) => {
    expect(remedyLines(machine("mac", more), plain)).toEqual(remedy === undefined ? [] : [`remedy: mac: ${remedy}`]);
  });
});
