import { chmod, copyFile, mkdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { beforeEach, describe, expect, test } from "vitest";
import { type Outcome, mustRun, runCommand } from "./run-command.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const isRoot = process.getuid?.() === 0;
const setUp = join(import.meta.dirname, "../../scripts/set-up");

/** A checkout whose npm and apt-get only note that they were called, and what they saw. */
async function prepareCheckout(directory: string): Promise<void> {
  await mkdir(join(directory, "scripts"));
  await mkdir(join(directory, "bin"));
  await copyFile(setUp, join(directory, "scripts/set-up"));
  await writeFile(join(directory, "package-lock.json"), "{}");
  await writeProgram(
    join(directory, "bin/npm"),
    "mkdir -p node_modules; echo {} > node_modules/.package-lock.json; echo npm $* >> calls",
  );
  await writeProgram(join(directory, "bin/apt-get"), "echo apt-get $* >> calls");
}

async function writeProgram(path: string, script: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
}

describe("scripts/set-up", () => {
  let checkout: AsyncDisposable & { readonly path: string };
  beforeEach(async () => {
    checkout = await temporaryDirectory();
    await prepareCheckout(checkout.path);
    return () => checkout[Symbol.asyncDispose]();
  });

  const calls = (): Promise<string> => readFile(join(checkout.path, "calls"), "utf8").catch(() => "");
  const run = (before = ""): Promise<Outcome> =>
    runCommand("sh", ["-c", `${before} exec sh scripts/set-up`], {
      cwd: checkout.path,
      env: { PATH: `${checkout.path}/bin:/usr/bin:/bin`, CI: "true" },
    });

  test("installs the npm packages, once, and again when the lock file is newer", async () => {
    expect(await run()).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^set-up: installing the npm .* done in \d+ s\n$/u),
    });
    expect(await run()).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(await calls()).toBe("npm ci --no-audit --no-fund\n");
    await utimes(join(checkout.path, "package-lock.json"), new Date(Date.now() + 5000), new Date(Date.now() + 5000));
    await run();
    expect(await calls()).toBe("npm ci --no-audit --no-fund\n".repeat(2));
  });

  test("takes less than 0.3 s when there is nothing to do", async () => {
    await run();
    const start = performance.now();
    await run();
    expect(performance.now() - start).toBeLessThan(300);
  });

  test("shows what npm said when it failed, and fails", async () => {
    await writeProgram(join(checkout.path, "bin/npm"), "echo this is why >&2; exit 3");
    expect(await run()).toMatchObject({ code: 3, stderr: "this is why\n" });
  });

  /** Hides the host's /usr/sbin, where sshd is, behind an empty one, in a mount namespace of its own. */
  const runWithoutSshd = (user = ""): Promise<Outcome> =>
    runCommand(
      "unshare",
      [
        "--mount",
        "sh",
        "-c",
        [
          "cp /usr/sbin/pivot_root bin/",
          "mount -t tmpfs none /usr/sbin",
          "printf 'was here before' > /usr/sbin/policy-rc.d",
          `${user} sh scripts/set-up; status=$?`,
          "cat /usr/sbin/policy-rc.d > policy-afterwards",
          "exit $status",
        ].join("\n"),
      ],
      { cwd: checkout.path, env: { PATH: `${checkout.path}/bin:/usr/sbin:/usr/bin:/bin`, CI: "true" } },
    );

  test.runIf(isRoot)("as root, installs what is missing without starting a service", async () => {
    await run();
    await writeProgram(
      join(checkout.path, "bin/apt-get"),
      "echo apt-get $* >> calls; /usr/sbin/policy-rc.d; echo policy $? >> calls; [ -e updated ] || [ $1 = update ] && touch updated",
    );
    const { stdout, code } = await runWithoutSshd();
    expect(stdout).toMatch(
      /^set-up: installing Debian's openssh-server \(no service is started\) \.\.\. done in \d+ s\n$/u,
    );
    expect(code).toBe(0);
    const install =
      "apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends openssh-server\npolicy 101\n";
    expect(await calls()).toContain(`${install}apt-get update\npolicy 101\n${install}`);
    expect(await readFile(join(checkout.path, "policy-afterwards"), "utf8")).toBe("was here before");
  });

  test.runIf(isRoot)("as a plain user, names the one command that is needed", async () => {
    await run();
    await mustRun("chmod", ["-R", "a+rX", checkout.path]);
    expect(await runWithoutSshd("setpriv --reuid games --regid games --clear-groups")).toMatchObject({
      code: 69,
      stdout: "",
      stderr: expect.stringContaining("\n  sudo apt-get install -y --no-install-recommends openssh-server\n"),
    });
    expect(await calls()).not.toContain("apt-get");
  });
});
