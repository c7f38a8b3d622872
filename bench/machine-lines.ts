import { randomBytes } from "node:crypto";
import { readMachineLines } from "../lambdas/api/machines/read-lines.ts";
import { parseMachines } from "../nix/machine-spec/parse.ts";
import { summarize, type Summary, table } from "./statistics.ts";

/**
 * How long a file of 5,000 lines with all eight fields takes: to be parsed as Nix does (`parseMachines`), and to be held
 * against what Drover needs as well (`readMachineLines`, which the API calls). `first` is the first run of the process.
 */
const lineCount = 5_000;
const counted = Number(process.argv[2] ?? 30);
const defaultSystem = "x86_64-linux";

const text = Array.from({ length: lineCount }, (_, index) => line(index)).join("\n");
const works = {
  parseMachines: () => parseMachines(text, { defaultSystem }).machines.length,
  readMachineLines: () =>
    readMachineLines([{ file: "machines", line: 1, column: 1, text }], { defaultSystem, routes: {} }).lines.length,
};
const summary: Record<string, Summary> = {};
for (const [name, work] of Object.entries(works)) {
  summary[`${name}, first`] = summarize([time(work)]);
  summary[name] = summarize(Array.from({ length: counted }, () => time(work)));
}
console.log(table(summary));
console.log(`${lineCount} lines, ${text.length} characters, ${counted} runs each`);
console.log(JSON.stringify({ benchmark: "machine-lines", unit: "ms", lines: lineCount, runs: counted, ...summary }));

function time(work: () => number): number {
  const start = performance.now();
  const read = work();
  const taken = performance.now() - start;
  if (read !== lineCount) throw new Error(`${read} of ${lineCount} lines were read`);
  return taken;
}

function line(index: number): string {
  const type = Buffer.from("ssh-ed25519");
  const blob = Buffer.concat([Buffer.from([0, 0, 0, type.length]), type, Buffer.from([0, 0, 0, 32]), randomBytes(32)]);
  const hostKey = Buffer.from(`ssh-ed25519 ${blob.toString("base64")} root@builder\n`).toString("base64");
  return `ssh://nix@builder-${index}.example.org x86_64-linux,i686-linux /root/.ssh/id_builder 8 2 kvm,big-parallel benchmark ${hostKey}`;
}
