/** Who may call a route. `public` needs no token; all else needs one in this form. */
export type RouteAccess = "public" | "bearer" | "cache";

export interface RouteTopology {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** `{name}` is a path parameter, `{name+}` the rest of the path, as API Gateway writes them. */
  readonly path: string;
  readonly access: RouteAccess;
}

/** Every route of the HTTP API. The key is the operation's id in `/openapi.json`. */
export const routes = {
  getOpenApi: { method: "GET", path: "/openapi.json", access: "public" },
  getHealth: { method: "GET", path: "/v1/health", access: "public" },
  importMachines: { method: "PUT", path: "/v1/machines", access: "bearer" },
  listMachines: { method: "GET", path: "/v1/machines", access: "bearer" },
  getMachine: { method: "GET", path: "/v1/machines/{machine}", access: "bearer" },
  updateMachine: { method: "PATCH", path: "/v1/machines/{machine}", access: "bearer" },
  removeMachine: { method: "DELETE", path: "/v1/machines/{machine}", access: "bearer" },
  trustMachine: { method: "PUT", path: "/v1/machines/{machine}/host-keys", access: "bearer" },
  inspectMachine: { method: "POST", path: "/v1/machines/{machine}/inspections", access: "bearer" },
  getInspection: { method: "GET", path: "/v1/machines/{machine}/inspections/{inspection}", access: "bearer" },
  getKeys: { method: "GET", path: "/v1/keys", access: "bearer" },
  submitBuild: { method: "POST", path: "/v1/builds", access: "bearer" },
  listBuilds: { method: "GET", path: "/v1/builds", access: "bearer" },
  getBuild: { method: "GET", path: "/v1/builds/{build}", access: "bearer" },
  listBuildSteps: { method: "GET", path: "/v1/builds/{build}/steps", access: "bearer" },
  getBuildChanges: { method: "GET", path: "/v1/builds/{build}/changes", access: "bearer" },
  getStep: { method: "GET", path: "/v1/steps/{step}", access: "bearer" },
  getStepLog: { method: "GET", path: "/v1/steps/{step}/log", access: "bearer" },
  queryMissingPaths: { method: "POST", path: "/v1/store/missing", access: "bearer" },
  signUploads: { method: "POST", path: "/v1/store/uploads", access: "bearer" },
  registerPaths: { method: "POST", path: "/v1/store/paths", access: "bearer" },
  getCacheInfo: { method: "GET", path: "/cache/nix-cache-info", access: "cache" },
  getCacheLog: { method: "GET", path: "/cache/log/{drv}", access: "cache" },
  getCacheNar: { method: "GET", path: "/cache/nar/{file}", access: "cache" },
  getNarInfo: { method: "GET", path: "/cache/{narinfo}", access: "cache" },
  /** Nix asks with HEAD whether a path is valid. */
  headNarInfo: { method: "HEAD", path: "/cache/{narinfo}", access: "cache" },
} as const satisfies Record<string, RouteTopology>;

export type OperationId = keyof typeof routes;
