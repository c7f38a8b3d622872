import type { Scope } from "../../fleet/token.ts";

/** In which form a route takes the token: as a bearer, or for Nix as the password of HTTP Basic. `public` takes none. */
export type RouteAccess = "public" | "bearer" | "cache";

export type RouteTopology = {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** `{name}` is a path parameter, `{name+}` the rest of the path, as API Gateway writes them. */
  readonly path: string;
} & (
  | { readonly access: "public" }
  /** What the token must be good for. */
  | { readonly access: "bearer" | "cache"; readonly scope: Scope }
);

/** Every route of the HTTP API. The key is the operation's id in `/openapi.json`. */
export const routes = {
  getOpenApi: { method: "GET", path: "/openapi.json", access: "public" },
  getHealth: { method: "GET", path: "/v1/health", access: "public" },
  importMachines: { method: "PUT", path: "/v1/machines", access: "bearer", scope: "machine:write" },
  listMachines: { method: "GET", path: "/v1/machines", access: "bearer", scope: "machine:read" },
  getMachine: { method: "GET", path: "/v1/machines/{machine}", access: "bearer", scope: "machine:read" },
  updateMachine: { method: "PATCH", path: "/v1/machines/{machine}", access: "bearer", scope: "machine:write" },
  removeMachine: { method: "DELETE", path: "/v1/machines/{machine}", access: "bearer", scope: "machine:write" },
  trustMachine: { method: "PUT", path: "/v1/machines/{machine}/host-keys", access: "bearer", scope: "machine:write" },
  inspectMachine: {
    method: "POST",
    path: "/v1/machines/{machine}/inspections",
    access: "bearer",
    scope: "machine:write",
  },
  getInspection: {
    method: "GET",
    path: "/v1/machines/{machine}/inspections/{inspection}",
    access: "bearer",
    scope: "machine:read",
  },
  getKeys: { method: "GET", path: "/v1/keys", access: "bearer", scope: "machine:read" },
  listTokens: { method: "GET", path: "/v1/tokens", access: "bearer", scope: "admin" },
  createToken: { method: "POST", path: "/v1/tokens", access: "bearer", scope: "admin" },
  revokeToken: { method: "DELETE", path: "/v1/tokens/{token}", access: "bearer", scope: "admin" },
  submitBuild: { method: "POST", path: "/v1/builds", access: "bearer", scope: "build:write" },
  listBuilds: { method: "GET", path: "/v1/builds", access: "bearer", scope: "build:read" },
  getBuild: { method: "GET", path: "/v1/builds/{build}", access: "bearer", scope: "build:read" },
  listBuildSteps: { method: "GET", path: "/v1/builds/{build}/steps", access: "bearer", scope: "build:read" },
  getBuildChanges: { method: "GET", path: "/v1/builds/{build}/changes", access: "bearer", scope: "build:read" },
  getStep: { method: "GET", path: "/v1/steps/{step}", access: "bearer", scope: "build:read" },
  getStepLog: { method: "GET", path: "/v1/steps/{step}/log", access: "bearer", scope: "build:read" },
  queryMissingPaths: { method: "POST", path: "/v1/store/missing", access: "bearer", scope: "store:read" },
  signUploads: { method: "POST", path: "/v1/store/uploads", access: "bearer", scope: "store:write" },
  registerPaths: { method: "POST", path: "/v1/store/paths", access: "bearer", scope: "store:write" },
  getCacheInfo: { method: "GET", path: "/cache/nix-cache-info", access: "cache", scope: "store:read" },
  getCacheLog: { method: "GET", path: "/cache/log/{drv}", access: "cache", scope: "store:read" },
  getCacheNar: { method: "GET", path: "/cache/nar/{file}", access: "cache", scope: "store:read" },
  getNarInfo: { method: "GET", path: "/cache/{narinfo}", access: "cache", scope: "store:read" },
  /** Nix asks with HEAD whether a path is valid. */
  headNarInfo: { method: "HEAD", path: "/cache/{narinfo}", access: "cache", scope: "store:read" },
} as const satisfies Record<string, RouteTopology>;

export type OperationId = keyof typeof routes;
