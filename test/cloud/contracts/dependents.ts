import { beforeEach, expect, test } from "vitest";
import type { Dependent, Dependents } from "../../../cloud/ports/dependents.ts";
import { stepId } from "./samples.ts";

const step = (number: number): Dependent => ({ kind: "step", step: stepId(number) });
const build = (number: number, target = false): Dependent => ({ kind: "build", build: `bld_${number}`, target });

/** What every adapter of Dependents must do. @param open makes empty stores */
export function dependentsContract(open: () => Promise<{ dependents: Dependents }>): void {
  let dependents: Dependents;
  beforeEach(async () => {
    ({ dependents } = await open());
  });

  test("who was added is there, of both kinds or of one", async () => {
    await dependents.add(stepId(1), [step(2), build(1), step(3), build(2, true)]);
    await dependents.add(stepId(9), [step(4)]);
    const all = await Array.fromAsync(dependents.of(stepId(1)));
    expect(new Set(all)).toEqual(new Set([build(1), build(2, true), step(2), step(3)]));
    expect(await Array.fromAsync(dependents.of(stepId(1), "step"))).toEqual([step(2), step(3)]);
    expect(await Array.fromAsync(dependents.of(stepId(1), "build"))).toEqual([build(1), build(2, true)]);
    expect(await Array.fromAsync(dependents.of(stepId(7)))).toEqual([]);
  });

  test("adding one again, also in the same call, changes nothing", async () => {
    await dependents.add(stepId(1), [step(2), step(2)]);
    await dependents.add(stepId(1), [step(2)]);
    expect(await Array.fromAsync(dependents.of(stepId(1)))).toEqual([step(2)]);
  });

  test("a build's target stays its target, whichever way the build comes to the step again", async () => {
    await dependents.add(stepId(1), [build(1, true)]);
    await dependents.add(stepId(1), [build(1)]);
    await dependents.add(stepId(2), [build(1)]);
    await dependents.add(stepId(2), [build(1, true)]);
    await dependents.add(stepId(2), [build(2)]);
    expect(await Array.fromAsync(dependents.of(stepId(1)))).toEqual([build(1, true)]);
    expect(await Array.fromAsync(dependents.of(stepId(2)))).toEqual([build(1, true), build(2)]);
  });

  test("one is added to each of many steps", async () => {
    const ids = Array.from({ length: 60 }, (_, number) => stepId(number));
    await dependents.addToEach([...ids, stepId(0)], build(1));
    for (const id of [stepId(0), stepId(31), stepId(59)]) {
      expect(await Array.fromAsync(dependents.of(id))).toEqual([build(1)]);
    }
  });

  test("thousands of dependents are all there, each once", async () => {
    const many = Array.from({ length: 2_500 }, (_, number) => step(number));
    await dependents.add(stepId(1), [...many, build(1), build(1, true)]);
    const found = await Array.fromAsync(dependents.of(stepId(1)));
    expect(found).toHaveLength(2_501);
    expect(new Set(found.map((each) => JSON.stringify(each))).size).toBe(2_501);
    expect(await Array.fromAsync(dependents.of(stepId(1), "build"))).toEqual([build(1, true)]);
  });

  test("nobody is added by an empty list", async () => {
    await dependents.add(stepId(1), []);
    await dependents.addToEach([], step(2));
    expect(await Array.fromAsync(dependents.of(stepId(1)))).toEqual([]);
  });
}
