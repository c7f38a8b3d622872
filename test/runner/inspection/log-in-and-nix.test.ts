import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inspectionFault } from "../../../fleet/inspection.ts";
import { generateSshIdentity } from "../../../cloud/secrets/ssh-identity.ts";
import { bootForRunner, registered, type RunnerFleet } from "../boot.ts";
import { exceptions, failedFrom, inspect, row } from "./inspecting.ts";

const isRoot = process.getuid?.() === 0;
const host = process.arch === "arm64" ? "aarch64-linux" : "x86_64-linux";

/** A `nix-store` that says it speaks serve protocol 2.3, as Nix 1.12 did. */
const oldNix = String.raw`printf '\313\356\122\124\0\0\0\0\003\002\0\0\0\0\0\0'; cat > /dev/null`;

let fleet: RunnerFleet;

beforeAll(async () => {
  fleet = await bootForRunner(
    { name: "itchy", supportedFeatures: ["big-parallel"] },
    { name: "pathless", nixOnPath: false },
    { name: "noisy", noise: "Welcome to noisy!" },
    { name: "old", programs: { "nix-store": oldNix } },
    { name: "elsewhere", storeDirectory: "/srv/other/store" },
    { name: "elsewhere-forced", storeDirectory: "/srv/other/store", forcedCommand: "nix-store --serve --write" },
  );
});

afterAll(async () => {
  await fleet[Symbol.asyncDispose]();
});

describe("an inspection of a machine that does not admit the runner", () => {
  it("says which line would admit it", async () => {
    const sshKey = join(fleet.directory, "stranger");
    await writeFile(sshKey, generateSshIdentity("stranger"), { mode: 0o600 });
    const inspection = await inspect(fleet, registered(fleet.machine("itchy"), { sshKey }));
    expect(exceptions(inspection)).toEqual(failedFrom("log-in"));
    expect(row(inspection, "host-key").found).toContain("which is trusted");
    expect(row(inspection, "log-in")).toMatchObject({
      code: "DROVER_SSH_AUTHENTICATION",
      found: expect.stringContaining(`does not admit the identity ${sshKey} (SHA256:`),
      remedy: expect.stringMatching(/Add this line to \.ssh\/authorized_keys of \S+ on the machine: ssh-ed25519 AAAA/),
    });
    expect(inspection.hostKeys).toHaveLength(1);
  });

  it("says that the identity has a passphrase, and still checks the host key", async () => {
    const sshKey = await fleet.createClientKey("locked", "correct horse");
    const inspection = await inspect(fleet, registered(fleet.machine("itchy"), { sshKey }));
    expect(exceptions(inspection)).toEqual(failedFrom("log-in"));
    expect(row(inspection, "log-in")).toMatchObject({
      code: "DROVER_IDENTITY_LOCKED",
      remedy: expect.stringContaining("Builds are non-interactive"),
    });
    const hostKey = fleet.machine("noisy").hostKey;
    const wrong = await inspect(fleet, registered(fleet.machine("itchy"), { sshKey, hostKey }));
    expect(exceptions(wrong)).toEqual(failedFrom("host-key"));
    expect(row(wrong, "host-key")).toMatchObject({ code: "DROVER_HOST_KEY_MISMATCH" });
  });

  it("says that there is no such identity", async () => {
    const inspection = await inspect(fleet, registered(fleet.machine("itchy"), { sshKey: "/no/such/identity" }));
    expect(exceptions(inspection)).toEqual(failedFrom("log-in"));
    expect(row(inspection, "log-in")).toMatchObject({
      code: "DROVER_IDENTITY_MISSING",
      found: expect.stringContaining("/no/such/identity"),
    });
  });
});

describe("an inspection of a machine whose Nix does not answer", () => {
  const unserved = { protocol: "not-checked", "trusted-user": "not-checked", "round-trip": "not-checked" };

  it("says that the shell finds no Nix, and what the shell can still tell", async () => {
    const inspection = await inspect(fleet, registered(fleet.machine("pathless")));
    expect(exceptions(inspection)).toEqual({
      "nix-store": "failed",
      ...unserved,
      "nix-version": "not-checked",
      "store-directory": "not-checked",
      system: "not-checked",
      "system-features": "not-checked",
    });
    expect(row(inspection, "nix-store")).toMatchObject({
      code: "DROVER_NIX_NOT_FOUND",
      found: expect.stringContaining("nix-store: command not found"),
      remedy: expect.stringContaining("PATH of non-interactive login shells"),
    });
    expect(row(inspection, "free-disk").found).toContain("free");
    expect(row(inspection, "protocol").found).toBe("not looked at, since nix-store failed");
  });

  it("shows the noise on standard output, and looks behind it", async () => {
    const inspection = await inspect(fleet, registered(fleet.machine("noisy")));
    expect(exceptions(inspection)).toEqual({ "nix-store": "failed", ...unserved });
    expect(row(inspection, "nix-store")).toMatchObject({
      code: "DROVER_SERVE_NOISE",
      found: expect.stringContaining("Welcome to noisy!"),
      remedy: expect.stringContaining(".bashrc"),
    });
    expect(row(inspection, "nix-version").found).toBe("2.8.0");
    expect(row(inspection, "system").found).toBe(host);
  });

  it("says that its protocol is too old", async () => {
    const inspection = await inspect(fleet, registered(fleet.machine("old")));
    expect(exceptions(inspection)).toMatchObject({ protocol: "failed", "trusted-user": "not-checked" });
    expect(row(inspection, "nix-store").outcome).toBe("passed");
    expect(row(inspection, "protocol")).toMatchObject({
      code: "DROVER_SERVE_VERSION",
      found: expect.stringContaining("2.3"),
      remedy: expect.stringContaining("Install Nix 2.3 or later"),
    });
  });

  it.runIf(isRoot).each([
    ["has left its socket", "perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => shift, Listen => 1)'"],
    ["is not there at all", "true"],
  ])("says that its daemon does not run, where it %s", async (_what, leave) => {
    await using daemons = await bootForRunner({ name: "headless", user: "nixssh" });
    const machine = daemons.machine("headless");
    const socket = "/nix/var/nix/daemon-socket/socket";
    expect(
      await machine.run(`mv ${socket} ${socket}-of-nobody && ${leave} ${socket} && chmod -f 666 ${socket}; true`),
    ).toMatchObject({ code: 0, stderr: "" });
    const inspection = await inspect(daemons, registered(machine));
    expect(exceptions(inspection)).toMatchObject({ "nix-store": "failed", "trusted-user": "not-checked" });
    expect(row(inspection, "nix-store")).toMatchObject({
      code: "DROVER_NIX_DAEMON_DOWN",
      found: expect.stringContaining("can not reach its nix-daemon"),
      remedy: expect.stringContaining("nix-daemon"),
    });
  });
});

describe("an inspection of a machine with another store directory", () => {
  it("says which one it is", async () => {
    const inspection = await inspect(fleet, registered(fleet.machine("elsewhere")));
    expect(exceptions(inspection)).toEqual({ "store-directory": "failed", "trusted-user": "not-checked" });
    expect(row(inspection, "store-directory")).toMatchObject({
      code: "DROVER_STORE_DIRECTORY",
      found: expect.stringMatching(/^is \/srv\/other\/store: .*another store directory than \/nix\/store/),
      remedy: expect.stringContaining("NIX_STORE_DIR"),
    });
  });

  it("says it of a restricted key's machine, too", async () => {
    const inspection = await inspect(fleet, registered(fleet.machine("elsewhere-forced")));
    expect(row(inspection, "store-directory")).toMatchObject({
      outcome: "failed",
      code: "DROVER_STORE_DIRECTORY",
      found: expect.stringContaining("is not in the Nix store"),
    });
    expect(inspectionFault(inspection)?.code).toBe("DROVER_STORE_DIRECTORY");
  });
});

describe.runIf(isRoot)("an inspection of a machine whose daemon does not trust the user", () => {
  it.each([
    ["wants signatures", ""],
    ["takes anything, but does not build", "require-sigs = false"],
  ])("says so before a build fails, where it %s", async (_what, extraConf) => {
    await using daemons = await bootForRunner({ name: "wary", user: "nixssh", trusted: false, extraConf });
    const inspection = await inspect(daemons, registered(daemons.machine("wary")));
    expect(exceptions(inspection)).toEqual({ "trusted-user": "failed" });
    expect(row(inspection, "trusted-user")).toMatchObject({
      code: "DROVER_USER_NOT_TRUSTED",
      found: expect.stringContaining("does not trust the user nixssh"),
      remedy: expect.stringContaining("Add nixssh to trusted-users"),
    });
  });
});
