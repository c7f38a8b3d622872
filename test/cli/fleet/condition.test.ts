import { describe, expect, it } from "vitest";
import { conditionsOf, conditionText, isAlarming } from "../../../cli/fleet/condition.ts";
import { createStyle, plain } from "../../../cli/terminal/style.ts";
import { describeVerdict } from "../../../fleet/explanation.ts";
import { later, machine, mismatch } from "../views.ts";

const reason = { code: "DROVER_SSH", message: "mac: connection\nrefused.", remedy: "Start sshd." };

describe("a machine's condition", () => {
  it("says loudly that its host key has changed, and what to do after having found out why", () => {
    const changed = machine("mac", { mode: "drained", drainedFor: mismatch });
    const [{ text, tone, remedy }] = conditionsOf(changed);
    expect(text).toBe(
      "HOST KEY CHANGED: drained (is not the machine it was: the stored ssh-ed25519 host key is SHA256:abc, " +
        "but it presents SHA256:xyz)",
    );
    expect(tone).toBe("red");
    expect(remedy).toMatch(/^Find out why: .*drover machines trust mac --replace$/);
    expect(conditionText(changed, createStyle(true))).toContain("\u001b[31mHOST KEY CHANGED");
  });

  it.each([
    ["ready", {}, /^none$/],
    ["drained", { mode: "drained" }, /^none$/],
    ["untrusted (no host key is stored for it)", { trusted: false }, /: drover machines trust mac$/],
    [
      `backing off until ${later(5000)} (connection refused)`,
      { health: { state: "backing-off", faults: 2, until: later(5000), reason } },
      /^Start sshd\.$/,
    ],
    ["on probation (connection refused)", { health: { state: "on-probation", faults: 2, reason } }, /^none$/],
    ["drained by Drover (connection refused)", { mode: "drained", drainedFor: reason }, /^Start sshd\.$/],
    ["has no slots (maxJobs is 0)", { maxJobs: 0 }, /^none$/],
    ["builds for no system", { systems: [] }, /^none$/],
    [
      "drained; untrusted (no host key is stored for it)",
      { mode: "drained", trusted: false },
      /^none; .*: drover machines trust mac$/,
    ],
  ] as const)("is: %s", (text, more, expected) => {
    const { systems, ...others } = { systems: undefined, ...more };
    const of = machine("mac", { ...others, ...(systems !== undefined && { systems: [...systems] }) });
    expect(conditionText(of, plain)).toBe(text);
    expect(
      conditionsOf(of)
        .map(({ remedy }) => remedy ?? "none")
        .join("; "),
    ).toMatch(expected);
  });

  it("is that of all its lines", () => {
    const offer = { systems: ["i686-linux"], maxJobs: 2, speedFactor: 1, supportedFeatures: [], mandatoryFeatures: [] };
    expect(conditionText(machine("mac", { maxJobs: 0, systems: [], alternatives: [offer] }), plain)).toBe("ready");
  });
});

describe("isAlarming()", () => {
  it("knows the service's own words for a machine that Drover has drained", () => {
    const drained = { machine: "mac", verdict: "drained" } as const;
    expect(isAlarming(describeVerdict({ ...drained, reason: mismatch }))).toBe(true);
    expect(isAlarming(describeVerdict(drained))).toBe(false);
  });
});
