import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isAboutHost } from "../../../nix/machine-spec/known-host.ts";

describe("a line of known_hosts", () => {
  test.each([
    ["mac", true],
    ["MAC", true],
    ["10.0.0.1,mac", true],
    ["mac2", false],
    ["m?c", true],
    ["m??c", false],
    ["*", true],
    ["*c", true],
    ["m*c*", true],
    ["*a*a*", false],
    ["*,!mac", false],
    ["!mac", false],
    ["!other,*", true],
    ["[mac]:2222", true],
    ["[mac]:22", false],
    ["", false],
    // As ssh-keygen -H has written "mac".
    ["|1|MYX/2MdpYpK/Tnnxqo4XPJBLJWE=|QUPXigcJO1Dh7+M8+bjo73qEhm0=", true],
    ["|1|MYX/2MdpYpK/Tnnxqo4XPJBLJWE=|AAAAigcJO1Dh7+M8+bjo73qEhm0=", false],
    ["|2|MYX/2MdpYpK/Tnnxqo4XPJBLJWE=|QUPXigcJO1Dh7+M8+bjo73qEhm0=", false],
    ["|1|", false],
  ])("for %j is about mac at port 2222: %s", (hosts, expected) => {
    expect(isAboutHost(hosts, ["mac", "[mac]:2222"])).toBe(expected);
  });

  test("with stars matches as a regular expression would", () => {
    const text = fc.stringMatching(/^[ab]{0,8}$/);
    fc.assert(
      fc.property(text, fc.stringMatching(/^[ab*?]{1,8}$/), (name, pattern) => {
        const expression = new RegExp(`^${pattern.replaceAll("*", ".*").replaceAll("?", ".")}$`);
        expect(isAboutHost(pattern, [name])).toBe(expression.test(name));
      }),
      { numRuns: 500 },
    );
  });

  test("with very many stars costs no more than its length", () => {
    // Where it costs more, it never ends.
    expect(isAboutHost(`${"*a".repeat(10_000)}b`, ["a".repeat(10_000)])).toBe(false);
  });
});
