import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { NarSource } from "../../../cloud/ports/binary-cache.ts";
import { madeUp } from "./stores.ts";
import { Workshop } from "./workshop.ts";

/** The text of a derivation without input derivations. */
function derive(outputs: string, sources: string): string {
  return `Derive(${outputs},[],${sources},"x86_64-linux","/bin/sh",[],[])`;
}

let workshop: Workshop;

beforeAll(async () => {
  workshop = await Workshop.open({ name: "itchy" });
});

afterAll(async () => {
  await workshop[Symbol.asyncDispose]();
});

beforeEach(() => {
  workshop.clear();
});

describe("an attempt that no machine could carry out", () => {
  const floating = '[("out","","r:sha256","")]';
  const drvPath = "/nix/store/7awiywjc2mf4h57r6cz5bb22nlz5sdq8-main.drv";

  it("is refused when the output's path is not known before the build", async () => {
    const sources = await madeUp(drvPath, derive(floating, "[]"));
    const outcome = await workshop.attempt(drvPath, { sources });
    expect(outcome).toMatchObject({
      kind: "refused",
      code: "DROVER_DERIVATION_KIND",
      message: expect.stringContaining("floating"),
    });
  });

  it("is refused when a source is in no cache, which it names", async () => {
    const missing = "/nix/store/58gg9fy8iqqsp2r599yspzpv1ahlfx75-source";
    const outputs = '[("out","/nix/store/3k07mq2wdj1b3f7328z3z2dfnwi4q0ib-main","","")]';
    const outcome = await workshop.attempt(drvPath, {
      sources: await madeUp(drvPath, derive(outputs, `["${missing}"]`)),
    });
    expect(outcome).toMatchObject({ kind: "refused", code: "DROVER_INPUT_MISSING" });
    expect(outcome).toMatchObject({ message: expect.stringContaining(missing) });
  });

  it("is refused when its derivation is in no cache, or is none", async () => {
    expect(await workshop.attempt("/nix/store/58gg9fy8iqqsp2r599yspzpv1ahlfx75-gone.drv")).toMatchObject({
      kind: "refused",
      code: "DROVER_INPUT_MISSING",
    });
    const nonsense = await madeUp(drvPath, "Derive(nonsense");
    expect(await workshop.attempt(drvPath, { sources: nonsense })).toMatchObject({
      kind: "refused",
      code: "DROVER_DERIVATION_SYNTAX",
    });
  });

  it("is refused when an input has other bytes than its narinfo says, which the machine never takes", async () => {
    const source = join(workshop.fleet.directory, "corrupt");
    await writeFile(source, randomBytes(100_000));
    const corrupt = await workshop.instantiateText(
      "corrupt",
      `derivation { name = "corrupt"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ ]; source = ${source}; }`,
    );
    const sources: NarSource = {
      name: "corrupt",
      narInfos: async (paths) => {
        const infos = await workshop.store.narInfos(paths);
        return new Map(
          [...infos].map(([path, info]) => [
            path,
            path.endsWith(".drv") ? info : { ...info, narHash: `sha256:${"0".repeat(52)}` },
          ]),
        );
      },
      openNar: (info) => workshop.store.openNar(info),
    };
    expect(await workshop.attempt(corrupt, { sources })).toMatchObject({ kind: "refused", code: "DROVER_NAR_HASH" });
    const path = [...workshop.store.opened.keys()].find((each) => each.endsWith("-corrupt")) ?? "";
    expect(await workshop.fleet.machine("itchy").hasPath(path)).toBe(false);
  });
});
