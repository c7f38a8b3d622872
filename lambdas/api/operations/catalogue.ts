import type { OperationId } from "../../../cloud/topology/routes.ts";
import { getCacheInfo, getCacheLog, getCacheNar, getNarInfo, headNarInfo } from "./cache.ts";
import { getBuildChanges } from "./get-build-changes.ts";
import { getHealth } from "./get-health.ts";
import { getKeys } from "./get-keys.ts";
import { getOpenApi } from "./get-open-api.ts";
import { getStep } from "./get-step.ts";
import { getStepLog } from "./get-step-log.ts";
import { importMachines } from "./import-machines.ts";
import { getInspection, inspectMachine } from "./inspect-machine.ts";
import type { Operation } from "./operation.ts";
import { getBuild, listBuilds, listBuildSteps } from "./read-builds.ts";
import { getMachine, listMachines } from "./read-machines.ts";
import { removeMachine } from "./remove-machine.ts";
import { queryMissingPaths, registerPaths, signUploads } from "./store.ts";
import { submitBuild } from "./submit-build.ts";
import { createToken, listTokens, revokeToken } from "./tokens.ts";
import { trustMachine } from "./trust-machine.ts";
import { updateMachine } from "./update-machine.ts";

/** What answers each route of `cloud/topology/routes.ts`. */
export const operations: Readonly<Record<OperationId, Operation>> = {
  getOpenApi: getOpenApi(() => operations),
  getHealth,
  importMachines,
  listMachines,
  getMachine,
  updateMachine,
  removeMachine,
  trustMachine,
  inspectMachine,
  getInspection,
  getKeys,
  listTokens,
  createToken,
  revokeToken,
  submitBuild,
  listBuilds,
  getBuild,
  listBuildSteps,
  getBuildChanges,
  getStep,
  getStepLog,
  queryMissingPaths,
  signUploads,
  registerPaths,
  getCacheInfo,
  getCacheLog,
  getCacheNar,
  getNarInfo,
  headNarInfo,
};
