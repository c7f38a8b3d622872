import { describe, expect, it } from "vitest";
import { absenceLines, adviceLine, importSummary, planLines, remarkText } from "../../../cli/machines/import-text.ts";
import { ownSystem } from "../../../cli/machines/own-system.ts";
import { plain } from "../../../cli/terminal/style.ts";
import { importedLine, remark } from "../import-service.ts";

const nothing = { machines: [], absent: [], errors: [] };

describe("planLines()", () => {
  const machines = [
    importedLine({ name: "new" }),
    importedLine({ name: "same", outcome: "unchanged" }),
    ...["x86_64-linux", "i686-linux"].map((system) =>
      importedLine({
        name: "mac",
        outcome: "changed",
        systems: [system],
        changes: [{ field: "max jobs", before: "4", after: "8" }],
      }),
    ),
  ];
  const header = "MACHINE           SYSTEMS         SLOTS  SPEED  FEATURES      MANDATORY  SSH KEY       HOST KEY";
  const rest = "8      2      big-parallel  -          the runner's  none";

  it("shows the lines that change something, and once for each machine what changes", () => {
    expect(planLines({ machines }, { everyLine: false }, plain)).toEqual([
      header,
      `new      added    aarch64-darwin  ${rest}`,
      `mac      changed  x86_64-linux    ${rest}`,
      `mac      changed  i686-linux      ${rest}`,
      "mac changes:",
      "  max jobs: 4 → 8",
    ]);
  });

  it("shows every line of a rehearsal, and nothing when nothing was understood", () => {
    const lines = planLines({ machines }, { everyLine: true }, plain);
    expect(lines).toContainEqual(expect.stringMatching(/^same +unchanged /));
    expect(planLines({ machines: [] }, { everyLine: true }, plain)).toEqual([]);
  });
});

describe("absenceLines()", () => {
  const absent = [
    { name: "old", outcome: "removed" as const },
    { name: "busy", outcome: "drained" as const },
    { name: "a", outcome: "kept" as const },
    { name: "b", outcome: "kept" as const },
  ];

  it("says what becomes of machines that the text does not name", () => {
    expect(absenceLines({ absent }, false)).toEqual([
      "old: removed",
      "busy: drained, since steps run on it; it goes with the next import with --prune",
      "not in the text, and would be removed with --prune: a, b",
    ]);
    expect(absenceLines({ absent }, true).slice(0, 2)).toEqual([
      "old: would be removed",
      "busy: would be drained, since steps run on it; it goes with the next import with --prune",
    ]);
  });

  it("does not list a whole fleet", () => {
    const many = Array.from({ length: 12 }, (_, index) => ({ name: `m${index}`, outcome: "kept" as const }));
    expect(absenceLines({ absent: many }, false)).toEqual([expect.stringMatching(/m9 and 2 more$/)]);
  });
});

describe("importSummary()", () => {
  it("counts machines and outcomes, and says what a rehearsal would do", () => {
    const machines = [
      importedLine({ name: "a" }),
      importedLine({ name: "b", outcome: "unchanged" }),
      importedLine({ name: "b", outcome: "unchanged" }),
    ];
    const absent = [
      { name: "c", outcome: "removed" as const },
      { name: "d", outcome: "drained" as const },
    ];
    expect(importSummary({ machines, absent, errors: [] }, true)).toBe(
      "2 machines: 1 would be added, 1 unchanged, 1 would be removed, 1 would be drained; nothing was stored (--dry-run)",
    );
    expect(importSummary({ ...nothing, errors: [remark()] }, false)).toBe("0 machines; 0 changes; 1 error");
  });

  it("says that a text changes nothing", () => {
    const machines = [importedLine({ outcome: "unchanged" })];
    const absent = [{ name: "c", outcome: "kept" as const }];
    expect(importSummary({ machines, absent, errors: [] }, false)).toBe("1 machine: 1 unchanged; 0 changes");
  });
});

describe("adviceLine()", () => {
  it.each([
    [[], "next: `drover machines ping --all` says whether they work"],
    [["mac"], "no host key is known of mac; it gets no build before `drover machines trust mac`"],
    [["mac", "pc"], "no host key is known of mac, pc; they get no build before `drover machines trust NAME`"],
  ])("names what comes next when %j are untrusted", (untrusted, expected) => {
    const machines = ["mac", "pc", "ok"].map((name) => ({ name, trusted: !untrusted.includes(name) }));
    expect(adviceLine(machines)).toBe(expected);
  });
});

describe("remarkText()", () => {
  it("ends messages with one full stop, and keeps to its lines", () => {
    const text = remarkText(remark({ message: "Done\u001b[2J\n.", remedy: "a\nb" }), "error:", plain);
    expect(text).toBe("machines:3:15: error: Done . (DROVER_MACHINE_SPEC)\n  remedy: a b");
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
