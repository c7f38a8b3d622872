import { transition } from "../../../fleet/lifecycle.ts";
import type { Steps } from "../../ports/steps.ts";
import type { Database } from "../database.ts";
import { changeStep } from "./changing.ts";
import { dependencyFailed, dependencySucceeded } from "./dependencies.ts";
import type { RequirementClasses } from "./requirement-classes.ts";

export function applying(database: Database, classes: RequirementClasses): Pick<Steps, "apply"> {
  return {
    apply: async (id, event, now, known) => {
      switch (event.type) {
        case "dependency-succeeded":
          return dependencySucceeded(database, id, event.dependency, now);
        case "dependency-failed":
          return dependencyFailed(database, id, event, now);
        case "expanded":
          // Before the step can be ready: a class in the index that nobody knows of would never be looked at.
          await classes.remember(event.requirementClass);
          break;
        case "refused":
        case "revived":
      }
      return changeStep(database, id, (step) => transition(step, event, now), known);
    },
  };
}
