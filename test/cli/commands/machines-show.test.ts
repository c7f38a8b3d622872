import { describe, expect, it } from "vitest";
import { machineLines } from "../../../cli/commands/machines-show.ts";
import { plain } from "../../../cli/terminal/style.ts";
import { startMachineService } from "../machine-service.ts";
import { runDrover } from "../run-drover.ts";
import { failure, inspection, later, machine, mismatch } from "../views.ts";

const lines = (...[of]: Parameters<typeof machineLines> extends [infer M, ...unknown[]] ? [M] : never) =>
  machineLines(of, Date.parse(later(7_200_000)), { isTerminal: true, style: plain });

describe("drover machines show", () => {
  it("shows all that is known of a machine", () => {
    expect(lines(machine("itchy"))).toEqual([
      "itchy",
      "condition:          ready",
      "uri:                ssh://itchy",
      "slots:              1 of 4 held",
      "systems:            x86_64-linux, i686-linux",
      "speed factor:       1.5",
      "supported features: kvm",
      "mandatory features: none",
      "ssh key:            the runner's own",
      "host key:           SHA256:abc",
      "",
      "never inspected: drover machines ping itchy",
    ]);
  });

  it("shows its further lines, the way to it, all its keys, and what was found there", () => {
    const jump = { host: "gate", port: 2222, user: "jump", identityFile: null, hostKey: "AAAA" };
    const shown = lines(
      machine("mac", {
        mode: "drained",
        drainedFor: mismatch,
        alternatives: [
          { systems: [], maxJobs: 8, speedFactor: 2, supportedFeatures: [], mandatoryFeatures: ["benchmark"] },
        ],
        route: {
          host: "fe80::1",
          port: 2022,
          user: "nix",
          identityFile: "/keys/mac",
          identityAgent: "/run/agent",
          jumps: [jump, { ...jump, host: "inner", port: 22, user: null }],
        },
        hostKeyFingerprint: "SHA256:abc, SHA256:def",
        inspection: inspection("mac", [failure], {
          outdated: true,
          hostKeys: [{ type: "ssh-ed25519", fingerprint: "SHA256:xyz", line: "ssh-ed25519 AAAA" }],
        }),
      }),
    );
    expect(shown[1]).toMatch(/^condition: {10}HOST KEY CHANGED: drained \(is not/);
    expect(shown[2]).toMatch(/^remedy: {13}Find out why/);
    expect(shown.slice(3)).toEqual([
      "uri:                ssh://mac",
      "route:              nix@[fe80::1]:2022, identity /keys/mac, agent /run/agent, through jump@gate:2222, then inner",
      "slots:              1 of 8 held",
      "systems:            x86_64-linux, i686-linux",
      "speed factor:       1.5",
      "supported features: kvm",
      "mandatory features: none",
      "ssh key:            the runner's own",
      "host key:           SHA256:abc",
      "host key:           SHA256:def",
      "",
      "or, by a further line, with the same slots",
      "most slots:         8",
      "systems:            none",
      "speed factor:       2",
      "supported features: none",
      "mandatory features: benchmark",
      "",
      "inspected 2 h ago (2026-11-22T13:37:00.000Z; the machine has been changed since): failed: nix-store",
      "  ✓ dns        10.0.0.2",
      "  ✗ nix-store  nix-store is not on the PATH (DROVER_NIX_STORE_MISSING)",
      "               remedy: Link it into /usr/local/bin.",
      "  presents ssh-ed25519 SHA256:xyz",
    ]);
  });

  it("finds a machine by its URI, and gives programs all of it", async () => {
    const mac = machine("nix@mac", { inspection: inspection("nix@mac", [failure]) });
    await using service = await startMachineService([mac]);
    const { stdout, code } = await runDrover(["machines", "show", "ssh-ng://nix@mac", "--json"], service);
    expect({ json: JSON.parse(stdout), code }).toEqual({ json: mac, code: 0 });
  });
});
