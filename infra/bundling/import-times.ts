import { execFile } from "node:child_process";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { bundleFunctions } from "./bundle-functions.ts";

/**
 * Prints the size of each function's bundle and how long a new Node takes to import it with the settings that it has in
 * AWS: `npm run bench:imports [RUNS]`. The budget is 1 MB and 150 ms, on a machine that does nothing else; the best run
 * comes near to that on one that does.
 */
const runs = Number(process.argv[2] ?? 11);
const settings = {
  DROVER_QUEUE_URL_BASE: "https://sqs.eu-central-1.amazonaws.com/123456789012",
  DROVER_BLOBS: "s3://drover-blobs",
  DROVER_SECRETS: "secretsmanager://drover",
  AWS_REGION: "eu-central-1",
};

await using out = await mkdtempDisposable(join(tmpdir(), "drover-import-times-"));
const bundles = Object.entries(await bundleFunctions(out.path));
const times = new Map(bundles.map(([name]) => [name, new Array<number>()]));
// Turn by turn, so that what else the machine does falls on all alike.
for (let run = 0; run < runs; run += 1) {
  for (const [name, { directory }] of bundles) times.get(name)?.push(await importTime(directory));
}
const figures = bundles.map(([name, { size }]) => {
  const sorted = (times.get(name) ?? []).toSorted((a, b) => a - b).map(Math.round);
  return { name, bytes: size, best: sorted[0] ?? 0, median: sorted[Math.floor(runs / 2)] ?? 0 };
});
for (const { name, bytes, best, median } of figures) {
  const kilobytes = (bytes / 1024).toFixed(0).padStart(5);
  console.log(`${name.padEnd(10)} ${kilobytes} KB   import: best ${best} ms, median ${median} ms`);
}
console.log(JSON.stringify({ benchmark: "imports", unit: "ms", runs, functions: figures }));

/** Milliseconds. */
async function importTime(directory: string): Promise<number> {
  const bundle = JSON.stringify(pathToFileURL(join(directory, "index.mjs")).href);
  const script = `const start = performance.now(); await import(${bundle}); console.log(performance.now() - start);`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], {
    env: settings,
  });
  return Number(stdout);
}
