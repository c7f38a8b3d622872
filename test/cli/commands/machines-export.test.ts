import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
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
});
