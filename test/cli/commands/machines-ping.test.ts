import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { problem } from "../fault-service.ts";
import { startMachineService } from "../machine-service.ts";
import { runDrover } from "../run-drover.ts";
import { runOnTerminal } from "../run-on-terminal.ts";
import { failure, inspection, machine, warning } from "../views.ts";

const itchy = machine("itchy");
const mac = machine("mac");

describe("drover machines ping", () => {
  it("says of each machine what works, in the order of the names, and exits 1 when one can't build", async () => {
    const inspections = [inspection("mac", [failure]), inspection("itchy", [warning])];
    await using service = await startMachineService([itchy, mac], {
      inspections,
      // The first one is the last to answer.
      fault: async ({ path }) => (path.includes("/mac/") ? await sleep(300, undefined) : undefined),
    });
    const { stdout, stderr, code } = await runDrover(["machines", "ping", "ssh://mac", "itchy"], service);
    expect({ stderr, code }).toEqual({ stderr: "", code: 1 });
    expect(stdout.split("\n")).toEqual([
      "mac: failed: nix-store",
      "  ok     dns        10.0.0.2",
      "  FAILED nix-store  nix-store is not on the PATH (DROVER_NIX_STORE_MISSING)",
      "                    remedy: Link it into /usr/local/bin.",
      "itchy: works, 1 warning",
      "  ok      dns              10.0.0.2",
      "  warning system-features  its line claims kvm, its Nix does not (DROVER_FEATURES_CLAIMED)",
      "                           remedy: Remove kvm from the line.",
      "",
    ]);
  });

  it("exits 0 when all work, warnings or not", async () => {
    await using service = await startMachineService([itchy, mac], { inspections: [inspection("mac", [warning])] });
    const { stdout, code } = await runDrover(["machines", "ping", "--all"], service);
    expect(stdout).toMatch(/^itchy: works$[^]*^mac: works, 1 warning$/m);
    expect(code).toBe(0);
  });

  it("gives programs what was found and what went wrong", async () => {
    await using service = await startMachineService([mac]);
    const { stdout, code } = await runDrover(["machines", "ping", "--json", "mac", "poochie"], service);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      inspections: [{ machine: "mac", works: true }],
      errors: [{ machine: "poochie", code: "DROVER_MACHINE_UNKNOWN", remedy: "Do something about it." }],
    });
  });

  it("goes on to the other machines after one that is unknown", async () => {
    await using service = await startMachineService([mac]);
    const { stdout, stderr, code } = await runDrover(["machines", "ping", "poochie", "mac"], service);
    expect(stdout).toMatch(/^mac: works\n/);
    expect(stderr).toMatch(/^error: There is no machine 'poochie'\. \(DROVER_MACHINE_UNKNOWN\)\nremedy: .*\n$/);
    expect(code).toBe(1);
  });

  it("says once that the service is not there, however many machines were asked for", async () => {
    const environment = { DROVER_URL: "http://127.0.0.1:1", DROVER_TOKEN: "t" };
    const names = Array.from({ length: 20 }, (_, index) => `mac${index}`);
    const { stderr, code } = await runDrover(["machines", "ping", ...names], { environment });
    expect(stderr.match(/DROVER_UNREACHABLE/g)).toHaveLength(1);
    expect(code).toBe(69);
  });

  it("looks at no more than eight machines at the same time", async () => {
    let now = 0;
    let most = 0;
    const names = Array.from({ length: 20 }, (_, index) => `mac${index}`);
    await using service = await startMachineService(
      names.map((name) => machine(name)),
      {
        fault: async ({ method }) => {
          if (method === "POST") most = Math.max(most, (now += 1));
          await sleep(20);
          if (method === "GET") now -= 1;
          return undefined;
        },
      },
    );
    expect((await runDrover(["machines", "ping", ...names], service)).code).toBe(0);
    expect(most).toBeGreaterThan(2);
    expect(most).toBeLessThanOrEqual(8);
  });

  it.each([[[]], [["--all", "mac"]]])("exits 64 for %j: names or all of them", async (args) => {
    await using service = await startMachineService([mac]);
    const { stderr, code } = await runDrover(["machines", "ping", ...args], service);
    expect(stderr).toMatch(/^error: ping needs either names of machines or --all\. \(DROVER_USAGE\)\nremedy: /);
    expect(code).toBe(64);
    expect(service.requests).toEqual([]);
  });

  it("shows on a terminal what is being waited for, and takes it back", async () => {
    await using service = await startMachineService([mac]);
    const { shown, code } = await runOnTerminal(["machines", "ping", "mac"], service.environment);
    expect(shown).toBe("looking at mac …\r\u001b[Kmac: works\n  ✓ dns  10.0.0.2\n");
    expect(code).toBe(0);
  });

  it("ends at once when it is interrupted, and says nothing of the machines", async () => {
    await using service = await startMachineService([itchy, mac], {
      fault: ({ method }) => (method === "GET" ? new Promise(() => {}) : undefined),
    });
    const { shown, code } = await runOnTerminal(["machines", "ping", "mac", "itchy"], service.environment, [
      { after: "looking at mac, itchy …", text: "\u0003" },
    ]);
    expect(shown).toMatch(/error: interrupted\. \(DROVER_INTERRUPTED\)\n$/);
    expect(shown).not.toContain("DROVER_UNREACHABLE");
    expect(code).toBe(130);
  });

  it("is not kept from trying again by a service that is busy for a moment", async () => {
    let busy = true;
    await using service = await startMachineService([mac], {
      fault: ({ method }) => {
        if (method !== "POST" || !busy) return undefined;
        busy = false;
        return problem(503, "DROVER_BUSY");
      },
    });
    expect((await runDrover(["machines", "ping", "mac"], service)).code).toBe(0);
  });
});
