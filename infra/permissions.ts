import type { FunctionName } from "../cloud/topology/functions.ts";
import type { QueueName } from "../cloud/topology/queues.ts";
import type { TableName } from "../cloud/topology/tables.ts";

/** DynamoDB actions without their prefix. A transaction needs those of its parts. `Query` is of the table itself. */
type TableAction =
  | "GetItem"
  | "BatchGetItem"
  | "Query"
  | "Scan"
  | "PutItem"
  | "UpdateItem"
  | "DeleteItem"
  | "BatchWriteItem";

interface TableUse {
  readonly actions: readonly TableAction[];
  /** Indexes that are queried. */
  readonly indexes?: readonly string[];
}

/** SQS actions without their prefix. SendMessageBatch is allowed by SendMessage, as ChangeMessageVisibility is. */
type QueueAction = "SendMessage" | "ReceiveMessage" | "DeleteMessage" | "ChangeMessageVisibility";

/** What a role may do. What an event source mapping needs of its queue comes on top (`triggers.ts`). */
export interface Permissions {
  readonly tables: Partial<Record<TableName, TableUse>>;
  readonly queues: Partial<Record<QueueName, readonly QueueAction[]>>;
  readonly blobs: {
    /** Patterns of keys. Whoever reads may also list, since S3 otherwise says of what is missing that it is forbidden. */
    readonly read?: readonly string[];
    readonly write?: readonly string[];
    /** Streams go up in parts, which are cleared away when they fail. */
    readonly multipart?: readonly string[];
  };
  /** Names below the deployment's; `ssh-identities/*` are those that machines' lines name. */
  readonly secrets: readonly ("signing-key" | "ssh-identity" | "ssh-identities/*")[];
}

const cacheInfo = "nix-cache-info";
const narInfos = "*.narinfo";
const nars = "nar/*";
const logs = "log/*";
const liveLogs = "live/*";
/** Which version of the runner works (`runner/upgrade/current-runner.ts`). */
const currentRunner = "runner/current.json";

/** As the adapters in `cloud/` call AWS on behalf of each function's work. */
export const permissions: Readonly<Record<FunctionName | "runner", Permissions>> = {
  api: {
    tables: {
      machines: { actions: ["GetItem", "Scan", "PutItem", "UpdateItem", "DeleteItem"] },
      inspections: { actions: ["GetItem", "BatchGetItem", "DeleteItem"] },
      builds: { actions: ["GetItem", "PutItem", "UpdateItem"], indexes: ["byAge"] },
      buildSteps: { actions: [], indexes: ["byName", "byChange"] },
      steps: { actions: ["GetItem", "BatchGetItem"], indexes: ["unfinished"] },
      attempts: { actions: ["GetItem", "Query", "UpdateItem"] },
      tokens: { actions: ["GetItem", "Scan", "PutItem", "DeleteItem"] },
    },
    queues: { plans: ["SendMessage"], fleetEvents: ["SendMessage"], inspections: ["SendMessage"] },
    // Signed URLs are worth what their signer may do: uploads go to `nar/` only.
    blobs: { read: [cacheInfo, narInfos, nars, logs, liveLogs], write: [cacheInfo, narInfos, nars] },
    secrets: ["signing-key", "ssh-identity"],
  },
  authorize: { tables: { tokens: { actions: ["GetItem", "UpdateItem"] } }, queues: {}, blobs: {}, secrets: [] },
  plan: {
    tables: {
      builds: { actions: ["GetItem", "UpdateItem"] },
      buildSteps: { actions: ["PutItem", "UpdateItem"], indexes: ["unplanned"] },
      steps: { actions: ["GetItem", "BatchGetItem", "PutItem", "UpdateItem"] },
      dependents: { actions: ["BatchWriteItem"] },
      requirementClasses: { actions: ["PutItem"] },
    },
    queues: { plans: ["SendMessage", "ChangeMessageVisibility"], fleetEvents: ["SendMessage"] },
    blobs: { read: [narInfos, nars] },
    secrets: [],
  },
  schedule: {
    tables: {
      machines: { actions: ["GetItem", "Scan", "UpdateItem"] },
      inspections: { actions: ["GetItem"] },
      builds: { actions: ["GetItem", "UpdateItem"] },
      buildSteps: { actions: ["UpdateItem"] },
      steps: { actions: ["GetItem", "BatchGetItem", "UpdateItem"], indexes: ["ready"] },
      dependents: { actions: ["Query"] },
      attempts: { actions: ["GetItem", "PutItem", "UpdateItem"] },
      requirementClasses: { actions: ["Scan"] },
    },
    queues: {
      fleetEvents: ["SendMessage", "ChangeMessageVisibility"],
      dispatch: ["SendMessage"],
      inspections: ["SendMessage"],
    },
    blobs: {},
    secrets: [],
  },
  sweep: {
    tables: {
      machines: { actions: ["Scan"] },
      builds: { actions: ["GetItem", "UpdateItem"], indexes: ["unfinished"] },
      buildSteps: { actions: [], indexes: ["byChange"] },
      steps: { actions: ["GetItem", "BatchGetItem", "UpdateItem"], indexes: ["ready", "unfinished"] },
      attempts: { actions: ["GetItem"] },
      requirementClasses: { actions: ["Scan"] },
    },
    queues: { plans: ["SendMessage"], fleetEvents: ["SendMessage"] },
    blobs: {},
    secrets: [],
  },
  runner: {
    tables: {
      machines: { actions: ["GetItem"] },
      inspections: { actions: ["PutItem"] },
      steps: { actions: ["GetItem"] },
      attempts: { actions: ["GetItem", "UpdateItem"] },
    },
    queues: {
      dispatch: ["ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"],
      inspections: ["ReceiveMessage", "DeleteMessage"],
      fleetEvents: ["SendMessage"],
    },
    blobs: {
      read: [cacheInfo, narInfos, nars, currentRunner],
      write: [cacheInfo, narInfos, nars, logs, liveLogs, currentRunner],
      multipart: [nars, logs],
    },
    secrets: ["signing-key", "ssh-identity", "ssh-identities/*"],
  },
};
