import type { Build, BuildStep } from "../../lambdas/api/schema/builds.ts";
import { pathDescriptions, pathQuery, type PathDescription } from "../../lambdas/api/schema/store.ts";
import type { Step } from "../../lambdas/api/schema/steps.ts";
import { type FaultService, type ReceivedRequest, type Reply, startFaultService } from "./fault-service.ts";
import { buildView } from "./views.ts";

/** What the service says while it is being followed: one of these for each question, the last one ever after. */
interface Chapter {
  readonly build?: Partial<Build>;
  readonly steps?: readonly BuildStep[];
}

export interface BuildServiceOptions {
  /** Commits a fault instead of answering; undefined for the ordinary answer. */
  readonly fault?: (request: ReceivedRequest) => Reply | Promise<Reply | undefined> | undefined;
  readonly story?: readonly Chapter[];
  readonly steps?: readonly Step[];
  /** By step; answered in one piece. */
  readonly logs?: Readonly<Record<string, string>>;
}

/** As much of the API as `drover build` needs, for faults and for endings that real machines do not have at will. */
export interface BuildService extends FaultService {
  /** By store path: the bytes that arrived, and the length that was announced. */
  readonly uploaded: ReadonlyMap<string, { readonly bytes: Buffer; readonly announced: string | undefined }>;
  /** In the order in which they were registered. */
  readonly registered: readonly PathDescription[];
  readonly submissions: readonly { readonly key: unknown; readonly body: unknown }[];
}

export async function startBuildService(options: BuildServiceOptions = {}): Promise<BuildService> {
  const { fault, story = [{ build: { state: "succeeded" } }], steps = [], logs = {} } = options;
  const uploaded = new Map<string, { bytes: Buffer; announced: string | undefined }>();
  const registered: PathDescription[] = [];
  const submissions: { key: unknown; body: unknown }[] = [];
  let chapter = 0;

  const answer = (request: ReceivedRequest): Reply => {
    const { method, headers, body } = request;
    const { pathname: path, searchParams } = new URL(request.path, "http://x");
    const json = (): unknown => JSON.parse(body.toString());
    const [, , collection, id = "", part] = path.split("/");
    if (path.startsWith("/blob/")) {
      uploaded.set(`/nix/store/${path.slice(6)}`, { bytes: body, announced: headers["content-length"] });
      return { json: {} };
    }
    switch (`${method} ${path}`) {
      case "POST /v1/store/missing":
        return { json: { missing: pathQuery.parse(json()).paths.filter((each) => !uploaded.has(each)) } };
      case "POST /v1/store/uploads": {
        const uploads = pathDescriptions.parse(json()).paths.map(({ storePath }) => ({
          storePath,
          request: { method: "PUT", url: `${service.url}/blob/${storePath.slice(11)}`, headers: { "x-signed": "yes" } },
        }));
        return { json: { uploads } };
      }
      case "POST /v1/store/paths": {
        const { paths } = pathDescriptions.parse(json());
        registered.push(...paths);
        return { json: { registered: paths.length } };
      }
      case "POST /v1/builds":
        submissions.push({ key: headers["idempotency-key"], body: json() });
        return { status: 202, json: buildView({ state: "planning" }) };
    }
    if (collection === "builds" && part === "changes") {
      const { build = {}, steps = [] } = story[chapter] ?? story.at(-1) ?? {};
      chapter += 1;
      return { json: { build: buildView(build), steps, next: String(chapter) } };
    }
    if (collection === "steps" && part === "log") {
      const text = searchParams.has("cursor") ? "" : (logs[id] ?? "");
      return { json: { text, cursor: "1", state: searchParams.has("cursor") ? "done" : "more" } };
    }
    const step = collection === "steps" ? steps.find((each) => each.id === id) : undefined;
    return step === undefined ? { status: 404 } : { json: step };
  };
  const service = await startFaultService(async (request) => (await fault?.(request)) ?? answer(request));
  return { ...service, uploaded, registered, submissions };
}
