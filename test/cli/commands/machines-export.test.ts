import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createClient } from "../../machines/client.ts";
import { temporaryDirectory } from "../../machines/temporary-directory.ts";
import { startImportService } from "../import-service.ts";
import { runDrover } from "../run-drover.ts";
import { machine } from "../views.ts";

const route = { host: "10.0.0.1", port: 22, user: null, identityFile: null, identityAgent: null, jumps: [] };
const fleet = [machine("second", { position: 1, route }), machine("first", { position: 0 })];
const text =
  "ssh://first x86_64-linux,i686-linux - 4 1.5 kvm - c3NoLWVkMjU1MTkg\n" +
  "# second is reached as 10.0.0.1\n" +
  "ssh://second x86_64-linux,i686-linux - 4 1.5 kvm - c3NoLWVkMjU1MTkg\n";
const note = "note: lines can't say how second is reached: Nix needs the ssh_config, too\n";

describe("drover machines export", () => {
  it("prints the fleet in Nix's format", async () => {
    await using service = await startImportService({}, fleet);
    expect(await runDrover(["machines", "export"], service)).toEqual({ stdout: text, stderr: note, code: 0 });
  });

  it("replaces a file by it, and leaves nothing else behind", async () => {
    await using directory = await temporaryDirectory();
    const output = join(directory.path, "machines");
    await using service = await startImportService({}, fleet);
    const { stderr, code } = await runDrover(["machines", "export", "--output", output], service);
    expect({ stderr, code }).toEqual({ stderr: `2 machines written to ${output}\n${note}`, code: 0 });
    expect(await readFile(output, "utf8")).toBe(text);
    expect(await readdir(directory.path)).toEqual(["machines"]);
  });

  it("says when the file can't be written", async () => {
    await using directory = await temporaryDirectory();
    await mkdir(join(directory.path, "machines"));
    await using service = await startImportService({}, fleet);
    const { stderr, code } = await runDrover(["machines", "export", "-o", join(directory.path, "machines")], service);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: .*machines can't be written: EISDIR.*\(DROVER_OUTPUT\)\nremedy: /);
    expect(await readdir(directory.path)).toEqual(["machines"]);
  });

  it("writes what the installed Nix reads to the same machines", async () => {
    await using directory = await temporaryDirectory();
    const output = join(directory.path, "with blanks");
    const offer = { systems: ["aarch64-linux"], maxJobs: 3, speedFactor: 2, supportedFeatures: ["-"] };
    const strange = machine("strange", {
      position: 2,
      uri: "ssh-ng://nix@[fe80::1%25eth0]:2222?remote-store=/a%20b",
      systems: [],
      sshKey: "/etc/nix/key",
      maxJobs: 0,
      speedFactor: 7,
      supportedFeatures: [],
      mandatoryFeatures: ["benchmark", "z"],
      hostKey: null,
      alternatives: [{ ...offer, mandatoryFeatures: [] }],
    });
    await using service = await startImportService({}, [
      ...fleet.map((one) => ({ ...one, speedFactor: 1, systems: one.systems.toSorted() })),
      strange,
    ]);
    await runDrover(["machines", "export", "--output", output], service);
    const client = await createClient({ directory: join(directory.path, "client") });
    const derivation = 'derivation { name = "x"; system = "nobody-builds-this"; builder = "/bin/sh"; }';
    const builders = ["--max-jobs", "0", "--builders", `@${output}`];
    // Where none is fit, Nix lists all machines that it has read.
    const { stderr } = await client.run("nix-build", ["--no-out-link", ...builders, "-E", derivation]);
    const listed = stderr.slice(stderr.indexOf("available machines:")).split("\n").slice(2, 6);
    expect(listed).toEqual([
      "(i686-linux, x86_64-linux, 4, kvm, )",
      "(i686-linux, x86_64-linux, 4, kvm, )",
      "(, 0, , benchmark, z)",
      "(aarch64-linux, 3, -, )",
    ]);
  });
});
