import { readFile, writeFile } from "node:fs/promises";
import { costPage } from "../infra/cost/page.ts";

/** Computes docs/cost.md out of the reviewed template and the price table: `node scripts/cost.ts`. */
const file = (path: string) => new URL(`../${path}`, import.meta.url);
const template: unknown = JSON.parse(await readFile(file("test/infra/fixtures/drover.template.json"), "utf8"));
const page = costPage(await readFile(file("docs/cost.md"), "utf8"), template);
await writeFile(file("docs/cost.md"), page);
const [summary] = /(?<=<!-- computed: summary -->\n\n).*?(?=\n\n<!-- end -->)/s.exec(page) ?? [];
console.log(summary);
