import { describe, expect, test } from "vitest";
import { hostKeyMismatch } from "../../../fleet/machine.ts";
import type { Deployment } from "./deployment.ts";
import { newKey, oldKey, rsaKey } from "./host-keys.ts";
import { onEmptyFleet } from "./empty-fleet.ts";
import { inspectionOf } from "./inspection-samples.ts";

let deployment: Deployment;
const { importing, outcomes, machineNamed } = onEmptyFleet((started) => {
  deployment = started;
});

const available = (machine: string) => ({ type: "machine-available", machine });

describe("importing a text", () => {
  test("twice changes nothing the second time: nothing is written, and nobody told", async () => {
    const { cloud, sent } = deployment;
    const text = `a x86_64-linux - 4 2 kvm - ${oldKey.field}\nb - - 1\n`;
    expect(await outcomes(text)).toEqual(["a added", "b added"]);
    await sent("fleetEvents");
    const before = await cloud.machines.list();
    expect(await outcomes(text)).toEqual(["a unchanged", "b unchanged"]);
    expect(await cloud.machines.list()).toEqual(before);
    expect(await sent("fleetEvents")).toEqual([]);
  });

  test("adds, changes and leaves, and tells the scheduler of what is new", async () => {
    const { sent } = deployment;
    expect(await outcomes("a\nb\nc\n")).toEqual(["a added", "b added", "c added"]);
    await sent("fleetEvents");
    expect(await outcomes("a\nb x86_64-linux - 7\nd\n")).toEqual(["a unchanged", "b changed", "d added", "c kept"]);
    expect(await sent("fleetEvents")).toEqual(expect.arrayContaining([available("b"), available("d")]));
  });

  test("says in words what becomes different", async () => {
    await importing(`nix@itchy x86_64-linux - 4 1 kvm - ${oldKey.field}\nscratchy\n`);
    const other = `nix@itchy x86_64-linux,i686-linux /root/.ssh/nix 8 2.5 - big ${newKey.field}`;
    const { machines } = await importing(`scratchy\n${other.replace("nix@", "ssh-ng://nix@")}\n`);
    expect(machines.map(({ name, changes }) => [name, changes])).toEqual([
      ["scratchy", [{ field: "place in the list", before: "2", after: "1" }]],
      [
        "nix@itchy",
        [
          { field: "address", before: "ssh://nix@itchy", after: "ssh-ng://nix@itchy" },
          { field: "systems", before: "x86_64-linux", after: "i686-linux, x86_64-linux" },
          { field: "max jobs", before: "4", after: "8" },
          { field: "speed factor", before: "1", after: "2.5" },
          { field: "supported features", before: "kvm", after: "none" },
          { field: "mandatory features", before: "none", after: "big" },
          { field: "identity", before: "the deployment's own", after: "/root/.ssh/nix" },
          { field: "host key", before: oldKey.fingerprint, after: newKey.fingerprint },
          { field: "place in the list", before: "1", after: "2" },
        ],
      ],
    ]);
  });

  test("of several lines of one machine shows each, with what becomes of the machine", async () => {
    const first = `a x86_64-linux - 4 1 - - ${oldKey.field}\n`;
    const line = (jobs: number) => `a aarch64-linux - ${jobs} 2 kvm big ${oldKey.field}\n`;
    await importing(first + line(1));
    const { machines } = await importing(first + line(2));
    const changes = [
      {
        field: "further lines",
        before: "aarch64-linux with 1 jobs at speed 2, supports kvm, requires big",
        after: "aarch64-linux with 2 jobs at speed 2, supports kvm, requires big",
      },
    ];
    expect(machines).toMatchObject([
      { name: "a", outcome: "changed", changes, systems: ["x86_64-linux"], maxJobs: 4 },
      { name: "a", outcome: "changed", changes, systems: ["aarch64-linux"], maxJobs: 2 },
    ]);
    expect(await deployment.api.json("getMachine", { path: { machine: "a" } })).toMatchObject({
      maxJobs: 4,
      alternatives: [
        {
          systems: ["aarch64-linux"],
          maxJobs: 2,
          speedFactor: 2,
          supportedFeatures: ["kvm"],
          mandatoryFeatures: ["big"],
        },
      ],
    });
    expect(await outcomes(first)).toEqual(["a changed"]);
  });

  test("forgets what was found at an earlier machine of that name", async () => {
    const { cloud } = deployment;
    await cloud.inspections.record(inspectionOf({ machine: "a" }));
    await importing("a");
    expect(await cloud.inspections.get("a")).toBeUndefined();
  });
});

describe("the host key of an imported machine", () => {
  test("stays the trusted one where the line has none", async () => {
    await importing("a");
    await deployment.api.json("trustMachine", { path: { machine: "a" }, body: { keys: [oldKey.line] } });
    const { machines } = await importing("a x86_64-linux - 2");
    expect(machines).toMatchObject([{ hostKey: null, outcome: "changed" }]);
    expect(machines[0]?.changes.map(({ field }) => field)).toEqual(["systems", "max jobs"]);
    expect((await machineNamed("a")).spec.hostKey).toBe(oldKey.field);
    expect(await outcomes("a x86_64-linux - 2")).toEqual(["a unchanged"]);
  });

  test("is shown with all its keys, and said to be the same where only its comment differs", async () => {
    const bare = Buffer.from(oldKey.line.split(" ").slice(0, 2).join(" ")).toString("base64");
    await importing(`a - - - - - - ${oldKey.field}`);
    const same = await importing(`a - - - - - - ${bare}`);
    expect(same.machines).toMatchObject([
      {
        outcome: "changed",
        changes: [
          { field: "host key", before: oldKey.fingerprint, after: `${oldKey.fingerprint}, written differently` },
        ],
      },
    ]);
    const both = Buffer.from(`${newKey.line}\na ${rsaKey.line}\n`).toString("base64");
    const { machines } = await importing(`a - - - - - - ${both}`);
    expect(machines[0]?.changes).toEqual([
      { field: "host key", before: oldKey.fingerprint, after: `${newKey.fingerprint}, ${rsaKey.fingerprint}` },
    ]);
  });

  test("enables a machine that Drover has drained for the old one, and says so", async () => {
    const line = `a - - - - - - ${oldKey.field}`;
    await importing(line);
    const machine = await machineNamed("a");
    const reason = { code: hostKeyMismatch, message: "a presents another host key" };
    await deployment.cloud.machines.setHealth(machine, machine.health, reason);
    expect(await outcomes(line)).toEqual(["a unchanged"]);
    const { machines } = await importing(`a - - - - - - ${newKey.field}`);
    expect(machines[0]?.changes).toEqual([
      { field: "host key", before: oldKey.fingerprint, after: newKey.fingerprint },
      { field: "mode", before: "drained: a presents another host key", after: "enabled" },
    ]);
    expect(await machineNamed("a")).toMatchObject({ mode: "enabled", drainedFor: null });
  });
});

describe("importing parts and routes", () => {
  test("names the files and places of the parts, and stores the routes", async () => {
    const route = {
      host: "10.0.0.7",
      port: 2222,
      user: "nix",
      identityFile: "/root/.ssh/mac",
      identityAgent: null,
      jumps: [{ host: "gate", port: 22, user: null, identityFile: null, hostKey: oldKey.field }],
    };
    const body = (routes: object) => ({
      parts: [
        { file: "machines", text: "a\n" },
        { file: "more", text: "mac aarch64-darwin\nb - - many\n" },
        { file: "machines", line: 3, text: "c\n" },
      ],
      routes,
    });
    const { machines, errors } = await importing(body({ mac: route }));
    expect(machines.map(({ name }) => name)).toEqual(["a", "mac", "c"]);
    expect(errors).toEqual([expect.objectContaining({ file: "more", line: 2 })]);
    const path = { machine: "mac" };
    expect(await deployment.api.json("getMachine", { path })).toMatchObject({ route });
    const later = await importing(body({}));
    expect(later.machines.map(({ changes }) => changes)).toEqual([
      [],
      [
        {
          field: "route",
          before: `nix@10.0.0.7:2222 with /root/.ssh/mac through gate:22 (${oldKey.fingerprint})`,
          after: "as the address says",
        },
      ],
      [],
    ]);
  });
});
