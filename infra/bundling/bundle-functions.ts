import { join } from "node:path";
import { type FunctionName, functions } from "../../cloud/topology/functions.ts";
import { type Bundle, bundle } from "./bundle.ts";

/**
 * Bundles every function of the topology into `<out>/functions/<name>/index.mjs`, which exports `handler`; the source
 * maps go to `<out>/source-maps/<name>/`. Takes about five seconds of processor time.
 *
 * The AWS SDK is bundled, too, although Lambda's runtime has one: that has the version that AWS chooses, and consists of
 * hundreds of files of which nothing is left out. With an SDK in files, api took more than twice as long to import.
 *
 * @param out an empty directory
 */
export async function bundleFunctions(out: string): Promise<Readonly<Record<FunctionName, Bundle>>> {
  const bundleOf = async (name: FunctionName) =>
    await bundle({
      modules: [functions[name].handler],
      directory: join(out, "functions", name),
      sourceMaps: join(out, "source-maps", name),
    });
  const [api, authorize, plan, schedule, sweep] = await Promise.all([
    bundleOf("api"),
    bundleOf("authorize"),
    bundleOf("plan"),
    bundleOf("schedule"),
    bundleOf("sweep"),
  ]);
  return { api, authorize, plan, schedule, sweep };
}
