import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { problem } from "../fault-service.ts";
import { importedLine, remark, specification, startImportService } from "../import-service.ts";
import { createOwnersHome } from "../machines/owners-home.ts";
import { runDrover } from "../run-drover.ts";
import { machine } from "../views.ts";

const line = "ssh://nix@mac aarch64-darwin - 8 2 big-parallel\n";

describe("drover machines import", () => {
  it("shows the plan, carries it out while the fleet is still the same, and says what is next", async () => {
    const lint = remark({ line: 1, column: 1, code: "DROVER_LINT", message: "the host key is missing" });
    const absent = [{ name: "old", outcome: "kept" as const }];
    await using service = await startImportService(
      { machines: [importedLine()], absent, errors: [remark()], lints: [lint] },
      [machine("nix@mac", { trusted: false, hostKey: null }), machine("old", { trusted: false, hostKey: null })],
    );
    const { environment } = service;
    const { stdout, stderr, code } = await runDrover(["machines", "import", "-"], { environment, input: line });
    expect(code).toBe(1);
    expect(stdout).toBe(
      "MACHINE         SYSTEMS         SLOTS  SPEED  FEATURES      MANDATORY  SSH KEY       HOST KEY\n" +
        "nix@mac  added  aarch64-darwin  8      2      big-parallel  -          the runner's  none\n",
    );
    expect(stderr).toBe(
      "not in the text, and would be removed with --prune: old\n" +
        "machines:3:15: error: 'many' is no number of jobs. (DROVER_MACHINE_SPEC)\n  remedy: Write a whole number.\n" +
        "machines:1:1: note: the host key is missing. (DROVER_LINT)\n  remedy: Write a whole number.\n" +
        "1 machine: 1 added; 1 error\n" +
        "no host key is known of nix@mac; it gets no build before `drover machines trust nix@mac`\n",
    );
    const body = { parts: [{ file: "stdin", line: 1, column: 1, text: line }], routes: {} };
    const query = { prune: "false", file: "stdin", defaultSystem: expect.stringMatching(/-(linux|darwin)$/) };
    expect(service.imports).toEqual([
      { query: { dryRun: "true", ...query }, ifMatch: undefined, body },
      { query: { dryRun: "false", ...query }, ifMatch: '"7-abc"', body },
    ]);
  });

  it("says that the same text again changes nothing", async () => {
    await using service = await startImportService({ machines: [importedLine({ outcome: "unchanged" })] }, [
      machine("nix@mac"),
    ]);
    const { stdout, stderr, code } = await runDrover(["machines", "import", "-"], { ...service, input: line });
    expect({ stdout, code }).toEqual({ stdout: "", code: 0 });
    expect(stderr).toBe(
      "1 machine: 1 unchanged; 0 changes\nnext: `drover machines ping --all` says whether they work\n",
    );
  });

  it("stores nothing with --dry-run, and prints every line", async () => {
    await using service = await startImportService({ machines: [importedLine({ outcome: "unchanged" })] });
    const args = ["machines", "import", "-", "--dry-run", "--prune"];
    const { stdout, stderr, code } = await runDrover(args, { ...service, input: line });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^nix@mac {2}unchanged /m);
    expect(stderr).toBe("1 machine: 1 unchanged; 0 changes; nothing was stored (--dry-run)\n");
    expect(service.imports.map(({ query }) => query)).toMatchObject([{ dryRun: "true", prune: "true" }]);
  });

  it("prints for --dry-run --json what Nix's format says, and nothing else", async () => {
    const absent = [{ name: "old", outcome: "kept" as const }];
    await using service = await startImportService({ machines: [importedLine()], absent, lints: [remark()] });
    const args = ["machines", "import", "-", "--dry-run", "--json"];
    const { stdout, stderr, code } = await runDrover(args, { ...service, input: line });
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    expect(JSON.parse(stdout)).toEqual({ machines: [specification], errors: [], lints: [remark()] });
  });

  it("prints with --json also what was done", async () => {
    const result = { machines: [importedLine()], absent: [{ name: "old", outcome: "drained" as const }] };
    await using service = await startImportService(result);
    const { stdout, stderr, code } = await runDrover(["machines", "import", "-", "--json"], {
      ...service,
      input: line,
    });
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    expect(JSON.parse(stdout)).toEqual({ ...result, errors: [], lints: [] });
  });

  it.each([
    [["--json"], /^\{\n {2}"machines": \[\],\n(.*\n)* {2}"errors": \[\n {4}\{\n {6}"file": "machines",/],
    [[], /^machines:3:15: error: 'many' is no number of jobs\./],
  ])("shows the lines at fault when none is good, with %j, and asks once", async (flags, expected) => {
    const reply = problem(422, "DROVER_NO_GOOD_MACHINE", { errors: [remark()], lints: [] });
    await using service = await startImportService(() => ({ reply }));
    const { stdout, stderr, code } = await runDrover(["machines", "import", "-", ...flags], { ...service, input: "x" });
    expect(code).toBe(1);
    expect(stdout + stderr).toMatch(expected);
    expect(service.imports).toHaveLength(1);
  });

  it("says in the service's words that somebody has changed the fleet after the plan", async () => {
    await using service = await startImportService(({ ifMatch }) =>
      ifMatch === undefined ? { machines: [importedLine()] } : { reply: problem(412, "DROVER_MACHINES_CHANGED") },
    );
    const { stderr, code } = await runDrover(["machines", "import", "-"], { ...service, input: line });
    expect(code).toBe(1);
    expect(stderr).toContain("(DROVER_MACHINES_CHANGED)");
    expect(service.imports).toHaveLength(2);
  });

  it("sends includes, routes of the ssh_config, and not the lines that it refuses itself", async () => {
    await using home = await createOwnersHome("Host alias\n  HostName 10.0.0.1\n");
    const locked = await home.key("locked", { passphrase: "correct horse" });
    await home.file("more", "alias\n");
    const file = await home.file("machines", `@more\nbad - ${locked}\nother\n`);
    const found = remark({ file, line: 3, column: 1 });
    await using service = await startImportService({ machines: [importedLine()], errors: [found] });
    const environment = { ...service.environment, HOME: home.path };
    const { stderr, code } = await runDrover(["machines", "import", file, "--dry-run"], { environment });
    expect(code).toBe(1);
    expect(stderr.match(/^\S+: \w+:/gm)).toEqual([`${file}:2:1: error:`, `${file}:3:1: error:`, `${file}:1:1: note:`]);
    const route = { host: "10.0.0.1", port: 22, user: null, identityFile: null, identityAgent: null, jumps: [] };
    expect(service.imports.map(({ body }) => body)).toEqual([
      {
        parts: [
          { file: join(home.path, "more"), line: 1, column: 1, text: "alias\n" },
          { file, line: 2, column: `bad - ${locked}`.length + 1, text: "\nother\n" },
        ],
        routes: { alias: route },
      },
    ]);
  });

  it.each([
    ["a line that it refuses itself", "@/\na\n"],
    ["a missing file", "@/nowhere\na\n"],
    ["no machine at all", "# nobody\n"],
  ])("removes nothing for a text with %s", async (_, input) => {
    await using service = await startImportService({});
    const { stderr } = await runDrover(["machines", "import", "-", "--prune", "--dry-run"], { ...service, input });
    expect(service.imports.map(({ query }) => query)).toMatchObject([{ prune: "false" }]);
    expect(stderr).toMatch(/^stdin:1:1: note: No machine is removed, .*\(DROVER_PRUNE_SKIPPED\)$/m);
  });

  it.each([[["machines", "import"]], [["machines", "import", "/dev/null", "--from-nix"]]])(
    "exits 64 for %j",
    async (args) => {
      const { stderr, code } = await runDrover(args);
      expect(code).toBe(64);
      expect(stderr).toMatch(/^error: .*\(DROVER_USAGE\)\nremedy: Give a file .* or --from-nix/);
    },
  );

  it("notes that an ssh_config is not heeded without ssh", async () => {
    await using home = await createOwnersHome("Host mac\n  HostName 10.0.0.1\n");
    await using service = await startImportService({ machines: [importedLine()] });
    const environment = { ...service.environment, HOME: home.path, PATH: home.path };
    const { stderr, code } = await runDrover(["machines", "import", "-"], { environment, input: line });
    expect(code).toBe(0);
    expect(stderr).toMatch(/^stdin:1:1: note: Your ssh_config is not taken into account, .*\(DROVER_SSH_MISSING\)$/m);
    expect(service.imports.map(({ body }) => body.routes)).toEqual([{}, {}]);
  });
});

describe("drover machines import --from-nix", () => {
  const importFromNix = async (environment: Readonly<Record<string, string>>) => {
    await using service = await startImportService({ machines: [importedLine()] });
    const args = ["machines", "import", "--from-nix", "--dry-run"];
    const outcome = await runDrover(args, { environment: { ...service.environment, ...environment } });
    return { ...outcome, imports: service.imports };
  };

  it("takes `builders` and `system` of the installed Nix", async () => {
    await using home = await createOwnersHome();
    await home.file("nix.conf", `builders = ssh://a ; @${home.path}/machines\nsystem = i686-linux\n`);
    await home.file("machines", "b\n");
    const { code, stderr, imports } = await importFromNix({ NIX_CONF_DIR: home.path });
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(imports).toMatchObject([
      {
        query: { defaultSystem: "i686-linux", file: "builders (nix.conf)" },
        body: {
          parts: [
            { file: "builders (nix.conf)", text: "ssh://a " },
            { file: join(home.path, "machines"), text: "b\n" },
          ],
        },
      },
    ]);
  });

  it("takes the machines file beside nix.conf where nothing is configured", async () => {
    await using home = await createOwnersHome();
    const file = await home.file("machines", "c\n");
    const { imports } = await importFromNix({ NIX_CONF_DIR: home.path });
    expect(imports[0]?.body.parts).toEqual([{ file, line: 1, column: 1, text: "c\n" }]);
  });

  it("asks newer versions of Nix by the command that they have", async () => {
    await using home = await createOwnersHome();
    const nix = await home.file(
      "nix",
      '#!/bin/sh\n[ "$3 $4 $5" = "config show --json" ] && echo \'{"builders": {"value": "@machines"}}\'\n',
    );
    await chmod(nix, 0o755);
    const { stderr, imports } = await importFromNix({ PATH: `${home.path}:${process.env["PATH"]}` });
    expect(imports).toMatchObject([{ query: { defaultSystem: expect.stringMatching(/-/) }, body: { parts: [] } }]);
    // Where Nix looks for it.
    expect(stderr).toContain("note: There is no file '/machines'");
  });

  it("says when Nix can't say it, or is not there", async () => {
    await using home = await createOwnersHome();
    const missing = await importFromNix({ PATH: home.path });
    expect(missing.stderr).toMatch(/^error: there is no program nix in PATH\. \(DROVER_NIX_MISSING\)/);
    const nix = await home.file("nix", "#!/bin/sh\necho nonsense >&2\nexit 1\n");
    await chmod(nix, 0o755);
    const broken = await importFromNix({ PATH: `${home.path}:${process.env["PATH"]}` });
    expect(broken).toMatchObject({ code: 1, stderr: expect.stringMatching(/: nonsense\. \(DROVER_NIX_FAILED\)/) });
  });
});
