import { chmod, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCommand } from "../machines/run-command.ts";

const launcher = fileURLToPath(new URL("../../cli/drover", import.meta.url));
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "drover-launcher-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** A checkout without node_modules, and a PATH with the system's tools and nothing but the given `node`. */
async function bareCheckout(node?: string): Promise<{ launcher: string; env: NodeJS.ProcessEnv }> {
  const bin = join(directory, "bin");
  await mkdir(join(directory, "checkout", "cli"), { recursive: true });
  await mkdir(bin);
  for (const tool of ["dirname", "readlink", "uname"]) await symlink(`/usr/bin/${tool}`, join(bin, tool));
  if (node !== undefined) {
    await writeFile(join(bin, "node"), node);
    await chmod(join(bin, "node"), 0o755);
  }
  const copy = join(directory, "checkout", "cli", "drover");
  await copyFile(launcher, copy);
  return { launcher: copy, env: { PATH: bin } };
}

describe("the launcher", () => {
  it("runs the command, also through symbolic links to it", async () => {
    const first = join(directory, "first");
    await symlink(launcher, first);
    await symlink("first", join(directory, "second"));
    const { stdout, code } = await runCommand(join(directory, "second"), ["--version"], { cwd: "/" });
    expect({ stdout, code }).toEqual({ stdout: "0.1.0\n", code: 0 });
  });

  it("says in one sentence what to do when there is no Node at all", async () => {
    const { launcher, env } = await bareCheckout();
    const { stderr, code } = await runCommand("/bin/sh", [launcher], { env });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^error: drover needs Node\.js 24 or newer, and there is none in PATH: run 'npm ci' in .*\/checkout, .*\(DROVER_NODE_VERSION\)\n$/,
    );
  });

  it("says so when the system's Node is too old", async () => {
    const { launcher, env } = await bareCheckout("#!/bin/sh\ncase $2 in *split*) echo 20 ;; *) echo 20.19.2 ;; esac\n");
    const { stderr, code } = await runCommand("/bin/sh", [launcher, "why"], { env });
    expect(code).toBe(1);
    expect(stderr).toContain("and the one in PATH is version 20.19.2");
  });

  it("takes the system's Node when it is new enough, and passes the arguments on as they are", async () => {
    const { launcher, env } = await bareCheckout(
      '#!/bin/sh\nif [ "$1" = -p ]; then echo 24; else printf "%s\\n" "$@"; fi\n',
    );
    const { stdout, code } = await runCommand("/bin/sh", [launcher, "build", "a b", "*"], { env });
    expect(code).toBe(0);
    expect(stdout).toBe(`${join(directory, "checkout")}/cli/main.ts\nbuild\na b\n*\n`);
  });
});
