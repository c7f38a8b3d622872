import { join } from "node:path";
import { type FunctionName, functions } from "../../cloud/topology/functions.ts";
import { mapRecord } from "../map-record.ts";
import { type Bundle, bundleEach } from "./bundle.ts";

/** The topology's functions, and one that only deployments start. */
export type BundledFunction = FunctionName | "make-keys";

const handlers: Readonly<Record<BundledFunction, string>> = {
  ...mapRecord(functions, (_, { handler }) => handler),
  "make-keys": "lambdas/make-keys/handler.ts",
};

/**
 * Bundles every function into `<out>/functions/<name>/index.mjs`, which exports `handler`; the source maps go to
 * `<out>/source-maps/<name>/`. Takes about two seconds of processor time.
 *
 * The AWS SDK is bundled, too, although Lambda's runtime has one: that has the version that AWS chooses, and consists of
 * hundreds of files of which nothing is left out. With an SDK in files, api took more than twice as long to import.
 *
 * @param out an empty directory
 */
export async function bundleFunctions(out: string): Promise<Readonly<Record<BundledFunction, Bundle>>> {
  return await bundleEach(
    mapRecord(handlers, (name, handler) => ({
      modules: [handler],
      directory: join(out, "functions", name),
      sourceMaps: join(out, "source-maps", name),
    })),
  );
}
