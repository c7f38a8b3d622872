import type { FunctionName } from "../../cloud/topology/functions.ts";
import type { authorized } from "../http/authorized.ts";
import type { TriggersOptions } from "../triggers/run-triggers.ts";

/** The functions of the topology, as they are called here. */
export type Handlers = Parameters<typeof authorized>[0] & TriggersOptions["handlers"] & Record<FunctionName, unknown>;

/** What the embedded mode runs. */
export interface Parts {
  /** To be called once the settings are in the environment: a function reads them when it is loaded, as in Lambda. */
  loadFunctions(): Promise<Handlers>;
  /** The file that `node` starts as the runner. */
  readonly runner: string;
}
