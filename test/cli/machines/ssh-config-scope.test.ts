import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { saysTheSameOfAllHosts } from "../../../cli/machines/ssh-config-scope.ts";
import { mustRun } from "../../machines/run-command.ts";
import { createOwnersHome } from "./owners-home.ts";

describe("saysTheSameOfAllHosts()", () => {
  it.each([
    ["", true],
    ["Port 2222\n# Host mac\n", true],
    ["Host *\n  User nix\n\tMatch all\nport=7\n", true],
    ["Include /nowhere/*.conf\n", true],
    ["HOST=mac\n", false],
    ["Host * !mac\n", false],
    ["Match host mac\n", false],
    ["Include more\n", false],
    ["Include ~/more\n", false],
    ['"Host" mac\n', false],
    ["HostName %h.example.org\n", false],
    ["CanonicalizeHostname yes\n", false],
  ])("knows of %j that it is %s", async (text, expected) => {
    await using home = await createOwnersHome();
    expect(await saysTheSameOfAllHosts([await home.file("config", text)])).toBe(expected);
  });

  it("looks into files that are included, and gives up at a circle", async () => {
    await using home = await createOwnersHome();
    const config = await home.file("config", `Include ${home.path}/more/*\n`);
    await home.file("more/one", "Port 7\n");
    expect(await saysTheSameOfAllHosts([config])).toBe(true);
    await home.file("more/two", "Host mac\n");
    expect(await saysTheSameOfAllHosts([config])).toBe(false);
    await home.file("more/two", `Include ${config}\n`);
    expect(await saysTheSameOfAllHosts([config])).toBe(false);
    expect(await saysTheSameOfAllHosts([join(home.path, "nowhere")])).toBe(false);
  });

  it("is only said where ssh itself makes no difference", async () => {
    await using home = await createOwnersHome();
    const words = fc.constantFrom(
      "Host",
      "Match",
      "*",
      "poochie",
      "all",
      "host",
      "!poochie",
      "User",
      "Port",
      "7",
      "=",
      "\n",
      " ",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(words, { minLength: 2, maxLength: 12 }), async (pieces) => {
        const config = await home.file("config", pieces.join(" "));
        if (!(await saysTheSameOfAllHosts([config]))) return;
        const settings = async (host: string) =>
          (await mustRun("ssh", ["-G", "-F", config, host])).replaceAll(/^(host|hostname) .*$/gm, (line) =>
            line.replace(host, "HOST"),
          );
        const [poochie, other] = await Promise.all(
          [settings("poochie"), settings("scratchy")].map((each) => each.catch(() => "")),
        );
        expect(poochie).toBe(other);
      }),
      { numRuns: 200 },
    );
  });
});
