import { describe, expect, it } from "vitest";
import { checkLines, inspectionColumn, verdictText } from "../../../cli/fleet/inspection-text.ts";
import { createStyle, plain } from "../../../cli/terminal/style.ts";
import { failure, inspection, later, unchecked, warning } from "../views.ts";

const now = Date.parse(later(3 * 60_000 + 1));
const secondWarning = { ...warning, check: "clock" } as const;

describe("an inspection in short", () => {
  it.each([
    ["never", null],
    ["ok 3 min ago", inspection("mac")],
    ["1 warning 3 min ago", inspection("mac", [warning])],
    ["2 warnings 3 min ago (outdated)", inspection("mac", [warning, secondWarning], { outdated: true })],
    ["failed 3 min ago: nix-store", inspection("mac", [failure, unchecked, warning])],
  ])("is: %s", (text, of) => {
    expect(inspectionColumn(of, now, plain)).toBe(text);
  });

  it("is green, yellow or red", () => {
    const style = createStyle(true);
    expect(verdictText(inspection("mac"), style)).toBe("\u001b[32mworks\u001b[39m");
    expect(verdictText(inspection("mac", [warning]), style)).toBe("\u001b[33mworks, 1 warning\u001b[39m");
    expect(verdictText(inspection("mac", [warning, failure]), style)).toBe("\u001b[31mfailed: nix-store\u001b[39m");
  });
});

describe("checkLines()", () => {
  const all = inspection("mac", [failure, unchecked, warning]);

  it("has a row for each check, and below what is not well its remedy", () => {
    expect(checkLines(all, { isTerminal: true, style: plain })).toEqual([
      "  ✓ dns              10.0.0.2",
      "  ✗ nix-store        nix-store is not on the PATH (DROVER_NIX_STORE_MISSING)",
      "                     remedy: Link it into /usr/local/bin.",
      "  - protocol         there is no nix-store",
      "  ! system-features  its line claims kvm, its Nix does not (DROVER_FEATURES_CLAIMED)",
      "                     remedy: Remove kvm from the line.",
    ]);
  });

  it("is ASCII where there is no terminal", () => {
    const lines = checkLines(all, { isTerminal: false, style: plain });
    expect(lines.slice(0, 2)).toEqual([
      "  ok      dns              10.0.0.2",
      "  FAILED  nix-store        nix-store is not on the PATH (DROVER_NIX_STORE_MISSING)",
    ]);
    expect(lines.join("\n")).toMatch(/^[\u0020-\u007e\n]+$/);
  });

  it("lets nothing that a machine says steer the terminal", () => {
    const found = "\u001b[2J\u001b]0;title\u0007noise\r\non its\u0008 standard output\n";
    const [, row] = checkLines(inspection("mac", [{ ...failure, found }]), { isTerminal: true, style: plain });
    expect(row).toBe("  ✗ nix-store  noise on its standard output (DROVER_NIX_STORE_MISSING)");
  });
});
