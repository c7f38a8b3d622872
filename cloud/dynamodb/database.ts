import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { tableName } from "../topology/names.ts";
import type { TableName } from "../topology/tables.ts";

/** The tables of one deployment. */
export interface Database {
  readonly client: DynamoDBDocumentClient;
  readonly tables: Readonly<Record<TableName, string>>;
}

/** @param deployment the configuration's `DROVER_NAME` */
export function openDatabase(client: DynamoDBDocumentClient, deployment: string): Database {
  return {
    client,
    tables: {
      machines: tableName(deployment, "machines"),
      inspections: tableName(deployment, "inspections"),
      builds: tableName(deployment, "builds"),
      buildSteps: tableName(deployment, "buildSteps"),
      steps: tableName(deployment, "steps"),
      dependents: tableName(deployment, "dependents"),
      attempts: tableName(deployment, "attempts"),
      tokens: tableName(deployment, "tokens"),
      requirementClasses: tableName(deployment, "requirementClasses"),
    },
  };
}

/** An item as the document client gives and takes it. */
export type Item = Readonly<Record<string, unknown>>;
