import { describe, expect, it } from "vitest";
import { linkNames } from "../../../cli/build/out-link.ts";

describe("linkNames()", () => {
  it("names links as nix-build does", () => {
    const links = linkNames("result", [
      [
        { name: "out", path: "/a" },
        { name: "dev", path: "/a-dev" },
      ],
      [{ name: "out", path: "/b" }],
      [{ name: "bin", path: "/c" }],
    ]);
    expect(Object.fromEntries(links)).toEqual({
      result: "/a",
      "result-dev": "/a-dev",
      "result-2": "/b",
      "result-3-bin": "/c",
    });
  });
});
