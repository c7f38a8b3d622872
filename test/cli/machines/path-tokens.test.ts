import { hostname, userInfo } from "node:os";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { expandPath } from "../../../cli/machines/path-tokens.ts";

const tokens = {
  home: "/home/ann",
  environment: { KEYS: "/keys" },
  originalHost: "mac",
  host: "mac.example.org",
  port: 2222,
  user: "nix",
  hostKeyAlias: undefined,
};
const { username, uid } = userInfo();

describe("expandPath()", () => {
  it.each([
    ["/etc/nix/key", "/etc/nix/key"],
    ["~/.ssh/id", "/home/ann/.ssh/id"],
    ["~", "/home/ann"],
    ["%d/.ssh/id_%n_%h_%p_%r", "/home/ann/.ssh/id_mac_mac.example.org_2222_nix"],
    ["${KEYS}/%k%%", "/keys/mac%"],
    ["/run/%u/%i/%l/%L", `/run/${username}/${uid}/${hostname()}/${hostname().split(".")[0]}`],
    ["keys/id", resolve("keys/id")],
    ["~bob/id", undefined],
    ["/%C", undefined],
    ["${NOWHERE}/id", undefined],
    ["/${toString}", undefined],
    ["/%$&", undefined],
  ])("expands %s to %s", (path, expected) => {
    expect(expandPath(path, tokens)).toBe(expected);
  });

  it("takes the local user where no other one is named", () => {
    expect(expandPath("/%r", { ...tokens, user: null })).toBe(`/${username}`);
    expect(expandPath("/%k", { ...tokens, hostKeyAlias: "alias" })).toBe("/alias");
  });
});
