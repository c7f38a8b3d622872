import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { synthesize } from "./synthesize.ts";

/** A change of what is deployed is reviewed as a change of this file: `npx vitest run test/infra -u` writes it. */
const reviewed = fileURLToPath(new URL("fixtures/drover.template.json", import.meta.url));

it("the template is the reviewed one", async () => {
  const template = JSON.stringify((await synthesize()).toJSON(), null, 2)
    // Hashes of assets, and the CDK's own version in them.
    .replaceAll(/\b[0-9a-f]{64}\b/g, "HASH");
  await expect(`${template}\n`).toMatchFileSnapshot(reviewed);
}, 60_000);
