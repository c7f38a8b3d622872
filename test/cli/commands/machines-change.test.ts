import { describe, expect, it } from "vitest";
import { startMachineService } from "../machine-service.ts";
import { runDrover } from "../run-drover.ts";
import { later, machine, mismatch } from "../views.ts";

const reason = { code: "DROVER_SSH", message: "connection refused", remedy: "Start sshd." };
const backingOff = { state: "backing-off", faults: 2, until: later(5000), reason } as const;

describe("drover machines drain", () => {
  it("lets each machine finish, as it was seen", async () => {
    await using service = await startMachineService([machine("itchy", { running: 2 }), machine("mac", { running: 0 })]);
    const { stdout, stderr, code } = await runDrover(["machines", "drain", "itchy", "ssh://mac"], service);
    expect({ stdout, stderr, code }).toEqual({
      stdout: "itchy: drained; what runs on it is finished (2 steps)\nmac: drained; nothing runs on it\n",
      stderr: "",
      code: 0,
    });
    expect([...service.machines.values()].map(({ mode }) => mode)).toEqual(["drained", "drained"]);
    const changes = service.requests.filter(({ method }) => method === "PATCH");
    expect(changes.map(({ headers }) => headers["if-match"])).toEqual(['"1-0a1b2c"', '"1-0a1b2c"']);
  });

  it("tries all, and tells of all that went wrong", async () => {
    await using service = await startMachineService([machine("mac", { running: 0 })]);
    const { stdout, stderr, code } = await runDrover(["machines", "drain", "krusty", "mac", "poochie"], service);
    expect(stdout).toBe("mac: drained; nothing runs on it\n");
    expect(stderr.match(/There is no machine '\w+'/g)).toEqual([
      "There is no machine 'krusty'",
      "There is no machine 'poochie'",
    ]);
    expect(code).toBe(1);
  });

  it("does not overrule who has changed it in the same moment", async () => {
    await using service = await startMachineService([machine("mac")], {
      fault: ({ method }) => {
        if (method === "PATCH") service.change("mac", { maxJobs: 8 });
        return undefined;
      },
    });
    const { stderr, code } = await runDrover(["machines", "drain", "mac"], service);
    expect(stderr).toContain("(DROVER_MACHINE_CHANGED)\nremedy: ");
    expect(code).toBe(1);
    expect(service.machines.get("mac")).toMatchObject({ mode: "enabled", maxJobs: 8 });
  });

  it("does not hide why Drover has drained it already", async () => {
    await using service = await startMachineService([machine("mac", { mode: "drained", drainedFor: mismatch })]);
    const { stdout } = await runDrover(["machines", "drain", "mac"], service);
    expect(stdout).toMatch(/^mac: HOST KEY CHANGED: drained \(.*\); what runs on it is finished \(1 step\)\n$/);
    expect(service.machines.get("mac")?.drainedFor).toEqual(mismatch);
  });
});

describe("drover machines enable", () => {
  it("says what still keeps it from building, and what to do", async () => {
    await using service = await startMachineService([machine("mac", { mode: "drained", trusted: false })]);
    const { stdout, stderr, code } = await runDrover(["machines", "enable", "mac"], service);
    expect({ stdout, code }).toEqual({
      stdout: "mac: enabled; untrusted (no host key is stored for it)\n",
      code: 0,
    });
    expect(stderr).toMatch(/^remedy: mac: .*drover machines trust mac\n$/);
  });

  it("lets a machine that backs off try at once", async () => {
    await using service = await startMachineService([machine("mac", { health: backingOff })]);
    expect((await runDrover(["machines", "enable", "mac"], service)).stdout).toBe("mac: already enabled; ready\n");
    expect(service.machines.get("mac")?.health).toEqual({ state: "healthy" });
  });

  it("changes nothing when nothing is to be changed", async () => {
    await using service = await startMachineService([machine("mac")]);
    expect((await runDrover(["machines", "enable", "mac"], service)).stdout).toBe("mac: already enabled; ready\n");
    expect(service.requests.map(({ method }) => method)).toEqual(["GET"]);
  });

  it("reminds of why Drover had drained it", async () => {
    await using service = await startMachineService([machine("mac", { mode: "drained", drainedFor: mismatch })]);
    const { stdout, stderr } = await runDrover(["machines", "enable", "mac"], service);
    expect(stdout).toBe("mac: enabled; ready\n");
    expect(stderr).toMatch(/^note: mac had been drained since mac is not the machine it was.*SHA256:xyz\. It will be/);
  });
});

describe("drover machines remove", () => {
  it("forgets idle machines, as they were seen, and keeps busy ones", async () => {
    await using service = await startMachineService([machine("itchy", { running: 2 }), machine("mac", { running: 0 })]);
    const { stdout, stderr, code } = await runDrover(["machines", "remove", "itchy", "mac"], service);
    expect(stdout).toBe("mac: removed\n");
    expect(stderr).toBe(
      "error: 'itchy' can not be removed while 2 steps run on it. (DROVER_MACHINE_BUSY)\nremedy: Do something about it.\n",
    );
    expect(code).toBe(1);
    expect([...service.machines.keys()]).toEqual(["itchy"]);
    const removals = service.requests.filter(({ method }) => method === "DELETE");
    expect(removals.map(({ headers }) => headers["if-match"])).toEqual(['"1-0a1b2c"', '"1-0a1b2c"']);
  });

  it.each([
    [1, "mac: removed; 1 step that ran on it is built elsewhere\n"],
    [3, "mac: removed; 3 steps that ran on it are built elsewhere\n"],
  ])("says with --force how many steps go elsewhere: %i", async (running, said) => {
    await using service = await startMachineService([machine("mac", { running })]);
    const { stdout, code } = await runDrover(["machines", "remove", "--force", "mac"], service);
    expect({ stdout, code }).toEqual({ stdout: said, code: 0 });
  });

  it("has removed it also when the answer was lost on the way", async () => {
    let lost = false;
    await using service = await startMachineService([machine("mac", { running: 0 })], {
      fault: async ({ method, headers, path }) => {
        if (method !== "DELETE" || lost) return undefined;
        lost = true;
        await fetch(service.url + path, { method, headers: { "if-match": String(headers["if-match"]) } });
        return "drop";
      },
    });
    const { stdout, code } = await runDrover(["machines", "remove", "mac"], service);
    expect({ stdout, code }).toEqual({ stdout: "mac: removed\n", code: 0 });
  });

  it("does not know a machine that was never there", async () => {
    await using service = await startMachineService([]);
    const { stderr, code } = await runDrover(["machines", "remove", "mac"], service);
    expect(stderr).toContain("DROVER_MACHINE_UNKNOWN");
    expect(code).toBe(1);
  });
});
