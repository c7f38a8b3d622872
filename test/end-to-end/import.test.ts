import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { machineList } from "../../lambdas/api/schema/machines.ts";
import type { Outcome } from "../machines/run-command.ts";
import { type Stack, startStack } from "./stack.ts";

let stack: Stack;
let home: string;
beforeAll(async () => {
  stack = await startStack({ machines: [{ name: "itchy" }], unregistered: true });
  home = join(stack.directory, "home");
  await mkdir(join(home, ".ssh"), { recursive: true });
  const { host, port, user, identityFile } = stack.fleet.machine("itchy");
  const lines = [`HostName ${host}`, `Port ${port}`, `User ${user}`, `IdentityFile ${identityFile}`];
  await writeFile(join(home, ".ssh/config"), `Host alias\n${lines.map((line) => `  ${line}\n`).join("")}`);
});
afterAll(() => stack[Symbol.asyncDispose]());

const drover = (...args: string[]): Promise<Outcome> =>
  stack.deployment.drover(["machines", ...args], { environment: { HOME: home } });

async function write(name: string, text: string): Promise<string> {
  const file = join(home, name);
  await writeFile(file, text);
  return file;
}

describe("a machines file with an include and an alias of the ssh_config", () => {
  it("is imported, once, and its machine builds", async () => {
    const { hostKey } = stack.fleet.machine("itchy");
    await write("more", `alias - - 2 1 - - ${hostKey}\n`);
    const file = await write("machines", `ssh://scratchy i686-linux ; @${join(home, "more")}\n`);
    const plan = await drover("import", file, "--dry-run");
    expect(plan, plan.stderr).toMatchObject({ code: 0 });
    expect(plan.stderr).toContain("2 machines: 2 would be added; nothing was stored (--dry-run)");
    expect(machineList.parse(await stack.deployment.droverJson(["machines", "list", "--json"])).machines).toEqual([]);

    const first = await drover("import", file);
    expect(first, first.stderr).toMatchObject({ code: 0 });
    expect(first.stdout).toMatch(/^scratchy +added .*\nalias +added /m);
    expect(first.stderr).toContain("2 machines: 2 added\n");
    expect(first.stderr).toContain("`drover machines trust scratchy`");
    const second = await drover("import", file);
    expect(second).toMatchObject({ code: 0, stdout: "" });
    expect(second.stderr).toContain("2 machines: 2 unchanged; 0 changes\n");

    const build = await stack.submit(await stack.instantiate("trivial"));
    expect(await stack.finished(build)).toMatchObject({ state: "succeeded" });
    const [step] = await stack.steps(build);
    expect(step?.machine).toBe("alias");
  });

  it("is exported to what is imported without a change", async () => {
    const output = join(home, "exported");
    const exported = await drover("export", "--output", output);
    expect(exported).toMatchObject({ code: 0, stderr: expect.stringContaining("2 machines written to") });
    expect(await readFile(output, "utf8")).toMatch(
      /^ssh:\/\/scratchy i686-linux .*\n# alias is reached as .*\nssh:\/\/alias /,
    );
    const again = await drover("import", output, "--prune");
    expect(again.stderr).toContain("2 machines: 2 unchanged; 0 changes\n");
  });

  it("changes what has changed, says what, and with --prune removes what has gone", async () => {
    const { hostKey } = stack.fleet.machine("itchy");
    const file = await write("machines", `alias - - 5 1 - - ${hostKey}\n`);
    const plan = await drover("import", file, "--dry-run", "--prune");
    expect(plan.stdout).toMatch(/^alias changes:$/m);
    expect(plan.stdout).toMatch(/^ {2}max jobs: 2 → 5$/m);
    expect(plan.stderr).toContain("scratchy: would be removed\n");
    const kept = await drover("import", file);
    expect(kept.stderr).toContain("not in the text, and would be removed with --prune: scratchy\n");
    const pruned = await drover("import", file, "--prune", "--json");
    expect(pruned, pruned.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(pruned.stdout)).toMatchObject({
      machines: [{ name: "alias", outcome: "unchanged", maxJobs: 5 }],
      absent: [{ name: "scratchy", outcome: "removed" }],
    });
  });

  it("keeps good lines beside bad ones", async () => {
    const file = await write("machines", "@/\nother - - many\nfine\n");
    const { stderr, code } = await drover("import", file, "--prune");
    expect(code).toBe(1);
    expect(stderr).toContain(`${file}:1:1: error: `);
    expect(stderr).toContain(`${file}:2:11: error: `);
    expect(stderr).toContain("1 machine: 1 added; 2 errors\n");
    const { machines } = machineList.parse(await stack.deployment.droverJson(["machines", "list", "--json"]));
    expect(machines.map(({ name }) => name)).toEqual(expect.arrayContaining(["alias", "fine"]));
  });
});
