import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { bundleFunctions } from "./bundle-functions.ts";

/**
 * Prints the size of each function's bundle and how long a new Node takes to import it with the settings that it has in
 * AWS: `import-times.ts [RUNS]`. The budget is 1 MB and 150 ms, on a machine that does nothing else.
 */
const runs = Number(process.argv[2] ?? 11);
const settings = {
  DROVER_QUEUE_URL_BASE: "https://sqs.eu-central-1.amazonaws.com/123456789012",
  DROVER_BLOBS: "s3://drover-blobs",
  DROVER_SECRETS: "secretsmanager://drover",
  AWS_REGION: "eu-central-1",
};

const out = await mkdtemp(join(tmpdir(), "drover-import-times-"));
try {
  const bundles = Object.entries(await bundleFunctions(out));
  const times: Record<string, number[]> = {};
  // Turn by turn, so that what else the machine does falls on all alike.
  for (let run = 0; run < runs; run += 1) {
    for (const [name, { directory }] of bundles) (times[name] ??= []).push(await importTime(directory));
  }
  for (const [name, { size }] of bundles) {
    const sorted = (times[name] ?? []).toSorted((a, b) => a - b);
    const [best = 0, median = 0] = [sorted[0], sorted[Math.floor(runs / 2)]];
    const kilobytes = (size / 1024).toFixed(0).padStart(5);
    console.log(
      `${name.padEnd(10)} ${kilobytes} KB   import: best ${best.toFixed(0)} ms, median ${median.toFixed(0)} ms`,
    );
  }
} finally {
  await rm(out, { recursive: true });
}

async function importTime(directory: string): Promise<number> {
  const bundle = JSON.stringify(pathToFileURL(join(directory, "index.mjs")).href);
  const script = `const start = performance.now(); await import(${bundle}); console.log(performance.now() - start);`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], {
    env: settings,
  });
  return Number(stdout);
}
