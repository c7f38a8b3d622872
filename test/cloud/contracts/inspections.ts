import { beforeEach, expect, test } from "vitest";
import type { Inspections } from "../../../cloud/ports/inspections.ts";
import { checkNames, type Inspection } from "../../../fleet/inspection.ts";

/** An inspection's id made of a number: a UUID of version 7, later ones later. */
export function inspectionId(number: number): string {
  return `0198f2a4-${String(number).padStart(4, "0")}-7d5e-9a3c-1f4e6b8d0a27`;
}

function inspection(machine: string, number: number, changes: Partial<Inspection> = {}): Inspection {
  const [dns, tcp, hostKey, ...others] = checkNames;
  return {
    id: inspectionId(number),
    machine,
    version: 3,
    startedAt: 1_700_000_000_000,
    finishedAt: 1_700_000_000_420,
    checks: [
      { check: dns, outcome: "passed", found: "192.0.2.7" },
      { check: tcp, outcome: "warning", found: "slow", code: "DROVER_SLOW", remedy: "Look at the network." },
      { check: hostKey, outcome: "failed", found: "another", code: "DROVER_HOST_KEY_MISMATCH", remedy: "Look why." },
      ...others.map((check) => ({ check, outcome: "not-checked" as const, found: "no connection" })),
    ],
    hostKeys: [{ type: "ssh-ed25519", fingerprint: "SHA256:abc", line: "ssh-ed25519 AAAA" }],
    ...changes,
  };
}

/** What every adapter of Inspections must do. @param open makes an empty store */
export function inspectionsContract(open: () => Promise<{ inspections: Inspections }>): void {
  let inspections: Inspections;
  beforeEach(async () => {
    ({ inspections } = await open());
  });

  test("an inspection is kept whole, for its machine only", async () => {
    await inspections.record(inspection("nix@itchy:2222", 1));
    expect(await inspections.get("nix@itchy:2222")).toEqual(inspection("nix@itchy:2222", 1));
    expect(await inspections.get("itchy")).toBeUndefined();
  });

  test("one that found nothing at all is kept, too", async () => {
    const empty = inspection("itchy", 1, { checks: [], hostKeys: [] });
    await inspections.record(empty);
    expect(await inspections.get("itchy")).toEqual(empty);
  });

  test("a later one replaces the one before, and a late one does no harm", async () => {
    await inspections.record(inspection("itchy", 2));
    await inspections.record(inspection("itchy", 1));
    expect(await inspections.get("itchy")).toEqual(inspection("itchy", 2));
    await inspections.record(inspection("itchy", 10, { hostKeys: [] }));
    expect(await inspections.get("itchy")).toEqual(inspection("itchy", 10, { hostKeys: [] }));
  });

  test("one that two runners have made is recorded twice without an error", async () => {
    await inspections.record(inspection("itchy", 1));
    await inspections.record(inspection("itchy", 1, { finishedAt: 1_700_000_009_000 }));
    expect(await inspections.get("itchy")).toMatchObject({ finishedAt: 1_700_000_009_000 });
  });

  test("of many that are recorded at once, the latest stays", async () => {
    const numbers = [3, 9, 1, 7, 5, 2, 8, 4, 6];
    await Promise.all(numbers.map((number) => inspections.record(inspection("itchy", number))));
    expect(await inspections.get("itchy")).toMatchObject({ id: inspectionId(9) });
  });

  test("those of many machines are read at once, without those that have none", async () => {
    const names = Array.from({ length: 120 }, (_, number) => `machine-${number}`);
    await Promise.all(names.map((name) => inspections.record(inspection(name, 1))));
    const found = await inspections.getMany([...names, "machine-0", "never-inspected"]);
    expect(found.map(({ machine }) => machine).toSorted()).toEqual(names.toSorted());
    expect(await inspections.getMany([])).toEqual([]);
  });

  test("it is forgotten with its machine, and others are not", async () => {
    for (const machine of ["itchy", "scratchy"]) await inspections.record(inspection(machine, 5));
    await inspections.remove("itchy");
    await inspections.remove("itchy");
    expect(await inspections.get("itchy")).toBeUndefined();
    expect(await inspections.get("scratchy")).toBeDefined();
    await inspections.record(inspection("itchy", 1));
    expect(await inspections.get("itchy")).toMatchObject({ id: inspectionId(1) });
  });
}
