import { expect, it } from "vitest";
import { stripAnsi } from "../../nix/ansi.ts";

it("removes Nix's colours and hyperlinks and leaves the words and lines", () => {
  const message = "\u001b[31;1merror:\u001b[0m builder for '\u001b[35;1m/nix/store/x.drv\u001b[0m' failed\n";
  expect(stripAnsi(message)).toBe("error: builder for '/nix/store/x.drv' failed\n");
  expect(stripAnsi("see \u001b]8;;https://nixos.org\u001b\\this\u001b]8;;\u001b\\")).toBe("see this");
});

it("leaves no escape character of a sequence that was cut short", () => {
  expect(stripAnsi("cut \u001b[3")).not.toContain("\u001b");
  expect(stripAnsi("\u001b")).toBe("");
});
