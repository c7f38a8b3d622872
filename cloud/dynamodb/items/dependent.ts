import * as z from "zod";
import type { Dependent } from "../../ports/dependents.ts";
import type { StepId } from "../../../fleet/step.ts";
import type { Item } from "../database.ts";
import { parseItem } from "./parse-item.ts";

const targetMark = "#target";
const schema = z.object({ dependent: z.string().regex(/^(step|build)#/) });

/**
 * A build that watches a step and a build that has it as a target are two keys, `build#ID` and `build#ID#target`: so
 * whichever is written last, the target is not forgotten. Neither ids of steps nor of builds hold a `#`.
 */
export function itemOfDependent(step: StepId, dependent: Dependent): { step: StepId; dependent: string } {
  if (dependent.kind === "step") return { step, dependent: `step#${dependent.step}` };
  return { step, dependent: `build#${dependent.build}${dependent.target ? targetMark : ""}` };
}

export function dependentOfItem(item: Item): Dependent {
  const { dependent } = parseItem(schema, item, `a dependent of step ${String(item["step"])}`);
  const id = dependent.slice(dependent.indexOf("#") + 1);
  if (dependent.startsWith("step#")) return { kind: "step", step: id };
  const target = id.endsWith(targetMark);
  return { kind: "build", build: target ? id.slice(0, -targetMark.length) : id, target };
}
