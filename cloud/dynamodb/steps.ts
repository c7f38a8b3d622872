import type { Steps } from "../ports/steps.ts";
import type { Database } from "./database.ts";
import { applying } from "./steps/applying.ts";
import { attempts } from "./steps/attempts.ts";
import { claiming } from "./steps/claiming.ts";
import { ensuring } from "./steps/ensuring.ts";
import { indexes } from "./steps/indexes.ts";
import { reading } from "./steps/reading.ts";
import { requirementClasses } from "./steps/requirement-classes.ts";
import { settling } from "./steps/settling.ts";

export function dynamoDbSteps(database: Database, clock: () => number): Steps {
  const classes = requirementClasses(database, clock);
  return {
    ...reading(database),
    ...ensuring(database),
    ...applying(database, classes),
    ...claiming(database),
    ...settling(database),
    ...attempts(database),
    ...indexes(database),
    requirementClasses: classes.requirementClasses,
  };
}
