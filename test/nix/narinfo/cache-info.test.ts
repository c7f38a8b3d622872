import { expect, test } from "vitest";
import { parseNixCacheInfo, printNixCacheInfo } from "../../../nix/narinfo.ts";
import { thrown } from "../thrown.ts";

test("nix-cache-info is written in Nix's form and read again", () => {
  const info = { storeDirectory: "/nix/store", wantMassQuery: true, priority: 30 };
  const text = "StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 30\n";
  expect(printNixCacheInfo(info)).toBe(text);
  expect(parseNixCacheInfo(text)).toEqual(info);
});

test("what Nix 2.8 uploads has only the store's directory", () => {
  expect(parseNixCacheInfo("StoreDir: /nix/store\n")).toEqual({ storeDirectory: "/nix/store", wantMassQuery: false });
});

test("unknown keys are ignored", () => {
  expect(parseNixCacheInfo("StoreDir: /s\nPublicKey: x\nWantMassQuery: 0\n")).toEqual({
    storeDirectory: "/s",
    wantMassQuery: false,
  });
});

test.each(["", "<html></html>\n", "StoreDir: \n", "StoreDir: /s\nPriority: low\n", "StoreDir: /s\nStoreDir: /t\n"])(
  "%j is refused",
  (text) => expect(thrown(() => parseNixCacheInfo(text)).code).toBe("DROVER_NARINFO"),
);
