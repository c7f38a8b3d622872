import { describe, expect, it } from "vitest";
import { importSummary, machineLines, ownSystem, remarkText } from "../../../cli/commands/machines-import.ts";
import { plain } from "../../../cli/terminal/style.ts";
import type { ImportedMachine, MachineRemark } from "../../../lambdas/api/schema/machines.ts";
import { problem, startFaultService } from "../fault-service.ts";
import { runDrover } from "../run-drover.ts";

const specification = {
  uri: "ssh://nix@mac",
  systems: ["aarch64-darwin"],
  sshKey: null,
  maxJobs: 8,
  speedFactor: 2,
  supportedFeatures: ["big-parallel"],
  mandatoryFeatures: [],
  hostKey: null,
};
const imported: ImportedMachine = { name: "nix@mac", outcome: "added", ...specification };
const error: MachineRemark = {
  file: "machines",
  line: 3,
  column: 15,
  code: "DROVER_MACHINE_SPEC",
  message: "'many' is no number of jobs",
  remedy: "Write a whole number.",
};

describe("drover machines import", () => {
  it("prints what was understood as a table, and the rest with its place and remedy", async () => {
    const lint = { ...error, line: 1, column: 1, code: "DROVER_LINT", message: "the host key is missing" };
    await using service = await startFaultService(() => ({
      json: { machines: [imported], errors: [error], lints: [lint] },
    }));
    const { stdout, stderr, code } = await runDrover(["machines", "import", "-"], {
      environment: service.environment,
      input: "ssh://nix@mac aarch64-darwin - 8 2 big-parallel\n",
    });
    expect(code).toBe(1);
    expect(stdout).toBe(
      "MACHINE         SYSTEMS         SLOTS  SPEED  FEATURES      MANDATORY  SSH KEY       HOST KEY\n" +
        "nix@mac  added  aarch64-darwin  8      2      big-parallel  -          the runner's  none\n",
    );
    expect(stderr).toBe(
      "machines:3:15: error: 'many' is no number of jobs. (DROVER_MACHINE_SPEC)\n  remedy: Write a whole number.\n" +
        "machines:1:1: note: the host key is missing. (DROVER_LINT)\n  remedy: Write a whole number.\n" +
        "1 machine: 1 added; 1 error\n",
    );
    expect(service.requests).toMatchObject([
      { method: "PUT", path: expect.stringMatching(/\?dryRun=false&.*file=stdin$/) },
    ]);
    expect(service.requests[0]?.body.toString()).toBe("ssh://nix@mac aarch64-darwin - 8 2 big-parallel\n");
  });

  it("prints for --dry-run --json what Nix's format says, and nothing else", async () => {
    await using service = await startFaultService(() => ({ json: { machines: [imported], errors: [], lints: [] } }));
    const { stdout, stderr, code } = await runDrover(
      ["machines", "import", "/dev/null", "--dry-run", "--json"],
      service,
    );
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    expect(JSON.parse(stdout)).toEqual({ machines: [specification], errors: [], lints: [] });
    expect(service.requests[0]?.path).toContain("dryRun=true");
  });

  it.each([
    [["--json"], /^\{\n {2}"machines": \[\],\n {2}"errors": \[\n {4}\{\n {6}"file": "machines",/],
    [[], /^machines:3:15: error: 'many' is no number of jobs\./],
  ])("shows the lines at fault when none is good, with %j", async (flags, expected) => {
    const refusal = problem(422, "DROVER_NO_GOOD_MACHINE", { errors: [error], lints: [] });
    await using service = await startFaultService(() => refusal);
    const { stdout, stderr, code } = await runDrover(["machines", "import", "/dev/null", ...flags], service);
    expect(code).toBe(1);
    expect(stdout + stderr).toMatch(expected);
  });
});

describe("importSummary()", () => {
  it("counts outcomes, and says what a rehearsal would do", () => {
    const machines = [imported, { ...imported, outcome: "unchanged" as const }];
    expect(importSummary({ machines, errors: [], lints: [] }, true)).toBe(
      "2 machines: 1 would be added, 1 unchanged; nothing was stored (--dry-run)",
    );
    expect(importSummary({ machines: [], errors: [], lints: [] }, false)).toBe("0 machines");
  });
});

describe("ownSystem()", () => {
  it.each([
    ["linux", "x64", "x86_64-linux"],
    ["darwin", "arm64", "aarch64-darwin"],
    ["linux", "ia32", "i686-linux"],
    ["win32", "x64", undefined],
    ["linux", "s390x", undefined],
  ] as const)("knows Nix's name of %s on %s", (platform, architecture, system) => {
    expect(ownSystem(platform, architecture)).toBe(system);
  });
});

describe("machineLines()", () => {
  it("is nothing when nothing was understood", () => {
    expect(machineLines([], plain)).toEqual([]);
  });
});

describe("remarkText()", () => {
  it("ends messages with one full stop", () => {
    expect(remarkText({ ...error, message: "Done." }, "error:", plain)).toContain("error: Done. (");
  });
});
