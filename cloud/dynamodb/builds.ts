import type { Builds } from "../ports/builds.ts";
import { entering } from "./builds/entering.ts";
import { ending } from "./builds/ending.ts";
import { finding } from "./builds/finding.ts";
import { listing } from "./builds/listing.ts";
import { planning } from "./builds/planning.ts";
import { reflecting } from "./builds/reflecting.ts";
import type { Database } from "./database.ts";

/** @param clock milliseconds since the epoch; orders the changes that the followers of a build see */
export function dynamoDbBuilds(database: Database, clock: () => number): Builds {
  return {
    ...entering(database),
    ...finding(database),
    ...planning(database),
    ...reflecting(database, clock),
    ...ending(database),
    ...listing(database),
  };
}
