import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { Builds } from "../ports/builds.ts";
import type { Dependents } from "../ports/dependents.ts";
import type { Inspections } from "../ports/inspections.ts";
import type { Machines } from "../ports/machines.ts";
import type { Steps } from "../ports/steps.ts";
import type { Tokens } from "../ports/tokens.ts";
import { dynamoDbBuilds } from "./builds.ts";
import { openDatabase } from "./database.ts";
import { dynamoDbDependents } from "./dependents.ts";
import { dynamoDbInspections } from "./inspections.ts";
import { dynamoDbMachines } from "./machines.ts";
import { dynamoDbSteps } from "./steps.ts";
import { dynamoDbTokens } from "./tokens.ts";

export interface DynamoDbStoresOptions {
  readonly client: DynamoDBDocumentClient;
  /** The configuration's `DROVER_NAME`. */
  readonly name: string;
  /** Milliseconds since the epoch; orders the changes that the followers of a build see, and lets memos age. @default Date.now */
  readonly clock?: () => number;
}

export interface Stores {
  readonly machines: Machines;
  readonly inspections: Inspections;
  readonly steps: Steps;
  readonly dependents: Dependents;
  readonly builds: Builds;
  readonly tokens: Tokens;
}

/** All stores on DynamoDB. Nothing is opened or checked yet: the tables are made by the CDK app or by `local/`. */
export function dynamoDbStores({ client, name, clock = Date.now }: DynamoDbStoresOptions): Stores {
  const database = openDatabase(client, name);
  return {
    machines: dynamoDbMachines(database),
    inspections: dynamoDbInspections(database),
    steps: dynamoDbSteps(database, clock),
    dependents: dynamoDbDependents(database),
    builds: dynamoDbBuilds(database, clock),
    tokens: dynamoDbTokens(database),
  };
}
