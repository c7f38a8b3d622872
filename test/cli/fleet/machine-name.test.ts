import { describe, expect, it } from "vitest";
import { machineNameOf, machineNamesOf } from "../../../cli/fleet/machine-name.ts";
import { machineName } from "../../../nix/machine-spec/machine-name.ts";

describe("machineNameOf()", () => {
  it.each([
    ["mac", "mac"],
    ["nix@mac:2222", "nix@mac:2222"],
    ["[fe80::1%eth0]:2222", "[fe80::1%eth0]:2222"],
  ])("takes the name %s as it is", (text, name) => {
    expect(machineNameOf(text)).toBe(name);
  });

  it.each([
    ["ssh://nix@mac"],
    ["ssh-ng://mac:22?remote-program=/nix"],
    ["ssh://nix@[::1]:2222"],
    ["ssh://[fe80::1%25eth0]"],
  ])("finds the name in %s that the service has found there", (uri) => {
    expect(machineNameOf(uri)).toBe(machineName(uri));
  });

  it("refuses other stores", () => {
    expect(() => machineNameOf("https://cache.nixos.org")).toThrow("only ssh and ssh-ng");
  });

  it("takes each machine once", () => {
    expect(machineNamesOf(["mac", "ssh://mac", "itchy", "ssh-ng://mac:22"])).toEqual(["mac", "itchy"]);
  });
});
