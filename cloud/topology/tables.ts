/** A key attribute and its DynamoDB type: S text, N number. */
export interface KeyAttribute {
  readonly name: string;
  readonly type: "S" | "N";
}

export interface IndexTopology {
  readonly name: string;
  /** A local index shares the table's partition key and is read consistently; a global one lags a little. */
  readonly kind: "global" | "local";
  readonly partitionKey: KeyAttribute;
  readonly sortKey: KeyAttribute;
}

export interface TableTopology {
  readonly partitionKey: KeyAttribute;
  readonly sortKey?: KeyAttribute;
  readonly indexes: readonly IndexTopology[];
  /** Name of the attribute that holds the second of the epoch after which an item may vanish. */
  readonly timeToLive?: string;
}

const text = (name: string): KeyAttribute => ({ name, type: "S" });
const number = (name: string): KeyAttribute => ({ name, type: "N" });

/**
 * Every table, in the one description that the CDK app and the embedded mode both read. Indexes whose sort key or
 * partition key is missing from an item do not hold it: `ready` and `state` are such sparse indexes, which stay as
 * small as what is unfinished.
 */
export const tables = {
  machines: { partitionKey: text("name"), indexes: [] },
  inspections: { partitionKey: text("machine"), indexes: [] },
  builds: {
    partitionKey: text("id"),
    indexes: [
      /** `listed` is the constant "all": builds by age. */
      { name: "byAge", kind: "global", partitionKey: text("listed"), sortKey: text("id") },
      { name: "unfinished", kind: "global", partitionKey: text("unfinished"), sortKey: number("createdAt") },
    ],
  },
  buildSteps: {
    partitionKey: text("build"),
    sortKey: text("step"),
    indexes: [
      { name: "byName", kind: "local", partitionKey: text("build"), sortKey: text("name") },
      { name: "byChange", kind: "local", partitionKey: text("build"), sortKey: number("changedAt") },
      { name: "unplanned", kind: "local", partitionKey: text("build"), sortKey: text("unplanned") },
    ],
  },
  steps: {
    partitionKey: text("id"),
    indexes: [
      { name: "ready", kind: "global", partitionKey: text("readyClass"), sortKey: text("readyRank") },
      { name: "unfinished", kind: "global", partitionKey: text("unfinished"), sortKey: number("changedAt") },
    ],
  },
  dependents: { partitionKey: text("step"), sortKey: text("dependent"), indexes: [] },
  attempts: { partitionKey: text("step"), sortKey: number("number"), indexes: [] },
  /** `expiresAtSecond` is left out of those that never expire. */
  tokens: { partitionKey: text("id"), indexes: [], timeToLive: "expiresAtSecond" },
  requirementClasses: { partitionKey: text("class"), indexes: [] },
} as const satisfies Record<string, TableTopology>;

export type TableName = keyof typeof tables;
