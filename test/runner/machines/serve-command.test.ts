import { describe, expect, it } from "vitest";
import { machineConnection } from "../../../nix/machine-spec/connection.ts";
import { serveCommand } from "../../../runner/machines/serve-command.ts";
import { runCommand } from "../../machines/run-command.ts";

function commandOf(uri: string): string {
  return serveCommand(machineConnection({ uri, sshKey: null, hostKey: null }));
}

describe("serveCommand", () => {
  it.each([
    ["ssh://mac", "nix-store --serve --write"],
    ["ssh-ng://mac", "nix-store --serve --write"],
    ["ssh://mac?remote-program=/opt/nix/bin/nix-store", "/opt/nix/bin/nix-store --serve --write"],
    ["ssh-ng://mac?remote-program=/opt/nix/bin/nix-daemon", "/opt/nix/bin/nix-store --serve --write"],
    ["ssh://mac?remote-program=~/bin/nix-store", "~/bin/nix-store --serve --write"],
    ["ssh://mac?remote-program=sudo%20-n%20nix-store", "sudo -n nix-store --serve --write"],
    ["ssh://mac?remote-program=~/my$bin/nix-store", "~/'my$bin/nix-store' --serve --write"],
    ["ssh://mac?remote-store=/srv/it's%20here", String.raw`nix-store --serve --write --store '/srv/it'\''s here'`],
    ["ssh://mac?remote-store=local%3Froot%3D/srv", "nix-store --serve --write --store 'local?root=/srv'"],
  ])("is for %s: %s", (uri, command) => {
    expect(commandOf(uri)).toBe(command);
  });

  it("is split by a shell into the words that were meant", async () => {
    const store = `a'b"c $HOME \`id\` ; * \\ end`;
    const command = commandOf(`ssh://mac?remote-store=${encodeURIComponent(store)}`);
    const { stdout } = await runCommand("sh", ["-c", `printf '%s\\n' ${command}`]);
    expect(stdout).toBe(["nix-store", "--serve", "--write", "--store", store, ""].join("\n"));
  });
});
