import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { mustRun } from "../../machines/run-command.ts";

const script = fileURLToPath(new URL("measure-large-nar.ts", import.meta.url));

it.each(["directory", "s3"])(
  "memory does not grow with the size of a NAR that goes to the cache in %s",
  async (kind) => {
    const output = await mustRun(process.execPath, ["--expose-gc", script, kind, "300"]);
    const { rss, arrayBuffers, read, narSize } = JSON.parse(output);
    // In MiB: what went through is 300 of them.
    expect(rss).toBeLessThan(150);
    expect(arrayBuffers).toBeLessThan(100);
    expect(read).toBe(kind === "s3" ? 0 : narSize);
  },
  120_000,
);
