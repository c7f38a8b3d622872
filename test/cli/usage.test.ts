import { describe, expect, it } from "vitest";
import { runDrover } from "./run-drover.ts";

describe("the command line", () => {
  it("prints the version of the package", async () => {
    const { stdout, code } = await runDrover(["--version"]);
    expect({ stdout, code }).toEqual({ stdout: "0.1.0\n", code: 0 });
  });

  it("prints help on standard output, with every command", async () => {
    const { stdout, stderr, code } = await runDrover(["--help"]);
    expect(code).toBe(0);
    expect(stderr).toBe("");
    for (const command of ["up", "machines", "build", "builds", "logs", "why", "keys", "tokens"]) {
      expect(stdout).toMatch(new RegExp(`^  ${command} `, "m"));
    }
  });

  it.each([
    [["bulid"], "unknown command 'bulid' (Did you mean build?)"],
    [["build"], "missing required argument 'target'"],
    [["machines", "list", "--jsn"], "unknown option '--jsn' (Did you mean --json?)"],
    [["build", "x.drv", "--priority", "101"], "It must be a whole number from 0 to 100"],
    [["build", "x.drv", "--priority", "high"], "It must be a whole number from 0 to 100"],
    [["up", "--port", "65536"], "It must be a whole number from 0 to 65535"],
    [["logs", "s", "--attempt", "0"], "It must be a whole number from 1"],
    [["builds", "show"], "missing required argument 'id'"],
    [["why", "a", "b"], "too many arguments"],
    [["tokens", "create"], "missing required argument 'name'"],
    [["tokens", "create", "x", "--expires-in-days", "0"], "It must be a whole number from 1 to 3650"],
    [["tokens", "revoke"], "missing required argument 'id'"],
    [["tokens", "first", "x"], "too many arguments"],
    [["machines", "drain"], "missing required argument 'name'"],
    [["machines", "remove"], "missing required argument 'name'"],
    [["machines", "trust", "a", "b"], "too many arguments"],
  ])("exits 64 for %j and says what is wrong and where help is", async (args, message) => {
    const { stdout, stderr, code } = await runDrover(args);
    expect(code).toBe(64);
    expect(stdout).toBe("");
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^error: .*\. \(DROVER_USAGE\)\nremedy: See `drover --help`/);
  });

  it.each([[[]], [["machines"]], [["builds"]], [["keys"]], [["tokens"]]])(
    "exits 64 for %j alone and prints help on standard error",
    async (args) => {
      const { stdout, stderr, code } = await runDrover(args);
      expect({ stdout, code }).toEqual({ stdout: "", code: 64 });
      expect(stderr).toMatch(/^Usage: drover/);
    },
  );

  it.each([[["machines", "list"]], [["machines", "import", "/dev/null"]], [["build", "flake#x"]], [["logs", "s"]]])(
    "exits 69 for %j when no service is known, and says how to start one",
    async (args) => {
      const { stdout, stderr, code } = await runDrover(args);
      expect({ stdout, code }).toEqual({ stdout: "", code: 69 });
      expect(stderr).toMatch(
        /^error: no service is known: .*\/drover\/profile\.json\. \(DROVER_NO_SERVICE\)\nremedy: .*`drover up`/,
      );
    },
  );

  it("exits 1 for a machines file that is not there", async () => {
    const environment = { DROVER_URL: "http://127.0.0.1:4747", DROVER_TOKEN: "t" };
    const { stderr, code } = await runDrover(["machines", "import", "/nowhere/machines"], { environment });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^error: the file \/nowhere\/machines can't be read: ENOENT.*\(DROVER_MACHINES_FILE\)\nremedy: /,
    );
  });
});
