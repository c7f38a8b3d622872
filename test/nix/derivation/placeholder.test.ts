import { expect, test } from "vitest";
import { outputPlaceholder, upstreamPlaceholder } from "../../../nix/derivation/placeholder.ts";
import { thrown } from "../thrown.ts";
import { derivation, fixtures } from "./fixtures/store.ts";

test("an output's own placeholder is the one Nix writes", () => {
  expect(outputPlaceholder("out")).toBe("/1rz4g4znpzjwh1xymhjpm42vipw92pr73vdgl6xs1hycac8kf2n9");
  const { environment } = derivation("floating");
  expect(environment.get("out")).toBe(outputPlaceholder("out"));
  expect(environment.get("dev")).toBe(outputPlaceholder("dev"));
});

test("the placeholder of an input's output is the one Nix writes", () => {
  expect(upstreamPlaceholder("/nix/store/5j81m17154cn24357z7qbbp39x74q7hl-ca.drv", "out")).toBe(
    "/0bmp0xkg77dlxn1dl9skn4zkp9600n10q9bcsxqlwkvh3wjwxrh8",
  );
  const floating = fixtures.find(({ name }) => name === "floating")?.path ?? "";
  expect(derivation("deferred").environment.get("x")).toBe(upstreamPlaceholder(floating, "dev"));
});

test("only derivations have outputs to wait for", () => {
  const path = "/nix/store/h22nhabdi1cyg37slqlhqqmkaish1sm7-fod";
  expect(thrown(() => upstreamPlaceholder(path, "out")).code).toBe("DROVER_STORE_PATH");
});
