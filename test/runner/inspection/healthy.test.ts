import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SshJump } from "../../../fleet/machine.ts";
import { checkNames } from "../../../fleet/inspection.ts";
import { decodeHostKeys, encodeHostKeys, hostKeyFingerprint } from "../../../nix/machine-spec/host-key.ts";
import { trialDerivation, trialPath } from "../../../runner/inspection/trial-path.ts";
import type { Machine } from "../../machines/machine.ts";
import { bootForRunner, registered } from "../boot.ts";
import { startAgent } from "../machines/ssh-agent.ts";
import { openProxy } from "../ssh/bad-networks.ts";
import { exceptions, inspect, inspectionId, row } from "./inspecting.ts";

const isRoot = process.getuid?.() === 0;
const forced = "the key may run another command only, as a restricted one";

let fleet: Awaited<ReturnType<typeof bootForRunner>>;

beforeAll(async () => {
  fleet = await bootForRunner(
    { name: "itchy", supportedFeatures: ["kvm"], hostKeyTypes: ["ecdsa", "ed25519", "rsa"] },
    { name: "gate" },
    { name: "single", maxSessions: 1, shell: "/bin/dash" },
    { name: "forced", forcedCommand: "nix-store --serve --write" },
    { name: "pathless", nixOnPath: false },
    ...(isRoot ? [{ name: "daemon", user: "nixssh" as const }] : []),
  );
});

afterAll(async () => {
  await fleet[Symbol.asyncDispose]();
});

function jumpOf(machine: Machine): SshJump {
  const { host, port, user, identityFile, hostKey } = machine;
  return { host, port, user, identityFile, hostKey };
}

describe("an inspection of a machine that is well", () => {
  it("passes all rows and says what it found", async () => {
    const machine = fleet.machine("itchy");
    const before = Date.now();
    const inspection = await inspect(fleet, { ...registered(machine), version: 7 });
    expect(exceptions(inspection)).toEqual({});
    expect(inspection.checks.map(({ check }) => check)).toEqual([...checkNames]);
    expect(inspection).toMatchObject({ id: inspectionId, machine: "itchy", version: 7 });
    expect(inspection.startedAt).toBeGreaterThanOrEqual(before);
    expect(inspection.finishedAt).toBeGreaterThanOrEqual(inspection.startedAt);
    expect(row(inspection, "tcp").found).toContain(`${machine.host} port ${machine.port} answers after`);
    expect(row(inspection, "log-in").found).toContain(`as ${machine.user} with ${machine.identityFile} (SHA256:`);
    expect(row(inspection, "nix-store").found).toBe("/usr/bin/nix-store answers");
    expect(row(inspection, "protocol").found).toBe("serve protocol 2.7");
    expect(row(inspection, "nix-version").found).toBe("2.8.0");
    expect(row(inspection, "store-directory").found).toBe("/nix/store");
    expect(row(inspection, "system").found).toMatch(/^(x86_64|aarch64)-linux$/);
    expect(row(inspection, "system-features").found).toBe("kvm");
    expect(row(inspection, "free-disk").found).toMatch(/^\d+\.\d GiB of \d+\.\d GiB free \(\d+ %\) at \/nix\/store$/);
    expect(row(inspection, "clock").found).toBe("agrees with the runner's");
    expect(row(inspection, "round-trip").found).toMatch(/^[\d.]+ ms$/);
  });

  it("lists all host keys that the machine has, whichever of them is trusted", async () => {
    const machine = fleet.machine("itchy");
    const rsa = machine.hostKeys.get("rsa") ?? "";
    const inspection = await inspect(fleet, registered(machine, { hostKey: rsa }));
    expect(exceptions(inspection)).toEqual({});
    expect(row(inspection, "host-key").found).toContain("presents ssh-rsa SHA256:");
    const real = [...machine.hostKeys.values()].map((key) => hostKeyFingerprint(decodeHostKeys(key)[0].blob));
    expect(inspection.hostKeys.map(({ fingerprint }) => fingerprint).toSorted()).toEqual(real.toSorted());
    expect(inspection.hostKeys.map(({ type }) => type).toSorted()).toEqual([
      "ecdsa-sha2-nistp256",
      "ssh-ed25519",
      "ssh-rsa",
    ]);
    for (const { line } of inspection.hostKeys)
      expect([...machine.hostKeys.values()].map(withoutComment)).toContain(line);
  });

  it("accepts any of several stored keys", async () => {
    const machine = fleet.machine("itchy");
    const keys = [...machine.hostKeys.values()].flatMap((key) => decodeHostKeys(key));
    const foreign = decodeHostKeys(fleet.machine("gate").hostKey)[0];
    const rsa = keys.filter(({ type }) => type === "ssh-rsa");
    const hostKey = encodeHostKeys([...rsa, { ...foreign, comment: "of another" }], machine.host);
    expect(exceptions(await inspect(fleet, registered(machine, { hostKey })))).toEqual({});
  });

  it("goes to a name", async () => {
    const machine = fleet.machine("itchy");
    await using proxy = await openProxy(machine);
    const uri = `ssh://${machine.user}@localhost:${proxy.address.port}`;
    const inspection = await inspect(fleet, registered(machine, { uri }));
    expect(exceptions(inspection)).toEqual({});
    expect(row(inspection, "dns").found).toMatch(/^localhost is .*127\.0\.0\.1/);
  });

  it("goes through a jump host, to the host, port, user and identity that the route says", async () => {
    const machine = fleet.machine("itchy");
    const { host, port, user, identityFile } = machine;
    const route = { host, port, user, identityFile, identityAgent: null, jumps: [jumpOf(fleet.machine("gate"))] };
    const alias = registered(machine, { uri: "ssh://alias-of-itchy", sshKey: null });
    const inspection = await inspect(fleet, { ...alias, route });
    expect(exceptions(inspection)).toEqual({});
    expect(row(inspection, "dns").found).toContain(`through which ${host} is reached`);
    expect(row(inspection, "tcp").found).toContain(`, through ${fleet.machine("gate").host}`);
    await expect.poll(() => fleet.machine("gate").killSessions()).toBe(0);
  });

  it("uses the agent of the route for a locked identity", async () => {
    await using agent = await startAgent(fleet.directory);
    const identityFile = await fleet.createClientKey("in-agent", "open sesame");
    await agent.add(identityFile, "open sesame");
    const machine = fleet.machine("itchy");
    const { host, port, user } = machine;
    const route = { host, port, user, identityFile, identityAgent: agent.socket, jumps: [] };
    const inspection = await inspect(fleet, { ...registered(machine, { sshKey: null }), route });
    expect(exceptions(inspection)).toEqual({});
    expect(row(inspection, "log-in").found).toContain("an identity of the ssh-agent");
  });

  it("needs one session at a time only, and a plain sh", async () => {
    expect(exceptions(await inspect(fleet, registered(fleet.machine("single"))))).toEqual({});
  });

  it("tells what the one command tells that a restricted key may run", async () => {
    const inspection = await inspect(fleet, registered(fleet.machine("forced")));
    expect(exceptions(inspection)).toEqual({
      "nix-version": "not-checked",
      system: "not-checked",
      "system-features": "not-checked",
      "free-disk": "not-checked",
      clock: "not-checked",
    });
    expect(row(inspection, "free-disk").found).toBe(forced);
    expect(row(inspection, "nix-store").found).toBe("answers");
    expect(row(inspection, "trusted-user").outcome).toBe("passed");
  });

  it.each(["nix-store", "nix-daemon"])("finds Nix where remote-program says, be it %s", async (program) => {
    const machine = registered(fleet.machine("pathless"));
    const scheme = program === "nix-store" ? "ssh" : "ssh-ng";
    const uri = `${machine.spec.uri.replace("ssh:", `${scheme}:`)}?remote-program=/nix/var/nix/profiles/default/bin/${program}`;
    const inspection = await inspect(fleet, { ...machine, spec: { ...machine.spec, uri } });
    expect(exceptions(inspection)).toEqual({});
    expect(row(inspection, "nix-store").found).toBe("/nix/var/nix/profiles/default/bin/nix-store answers");
  });

  it("looks at the store that remote-store names", async () => {
    const machine = registered(fleet.machine("itchy"));
    const uri = `${machine.spec.uri}?remote-store=${encodeURIComponent("/tmp/it's a store")}`;
    const inspection = await inspect(fleet, { ...machine, spec: { ...machine.spec, uri } });
    expect(exceptions(inspection)).toEqual({});
    expect(row(inspection, "free-disk").found).toContain("at /tmp/it's a store/nix/store");
  });

  it("leaves one small path in the store and nothing that runs", async () => {
    const machine = fleet.machine("itchy");
    await inspect(fleet, registered(machine));
    const store = await machine.run("ls /nix/store");
    expect(store.stdout.trim()).toBe(trialPath.slice("/nix/store/".length));
    await expect.poll(async () => (await machine.run("pidof nix-store")).stdout).toBe("");
    expect(await machine.killSessions()).toBe(0);
  });

  it.runIf(isRoot)("is of a user who goes through a daemon that trusts him", async () => {
    expect(exceptions(await inspect(fleet, registered(fleet.machine("daemon"))))).toEqual({});
  });

  it("can be broken off", async () => {
    const abort = new AbortController();
    const inspecting = inspect(fleet, registered(fleet.machine("itchy")), {}, abort.signal);
    await delay(30);
    abort.abort(new Error("not wanted any more"));
    await expect(inspecting).rejects.toThrow("not wanted any more");
    await expect.poll(() => fleet.machine("itchy").killSessions()).toBe(0);
  });
});

describe("the path that an inspection imports", () => {
  it("is what Nix makes of its derivation", async () => {
    const { basic, path } = trialDerivation;
    const text = `derivation {
      name = "drover-inspection"; system = "${basic.platform}"; builder = "${basic.builder}";
      args = [ ${basic.arguments.map((each) => JSON.stringify(each).replaceAll("$", "\\$")).join(" ")} ];
      contents = ${JSON.stringify(basic.environment.get("contents"))};
    }`;
    const machine = fleet.machine("gate");
    await machine.run("cat > /tmp/trial.nix", { input: text });
    expect((await machine.run("nix-instantiate /tmp/trial.nix")).stdout.trim()).toBe(path);
    expect((await machine.run(`nix-store --query --outputs ${path}`)).stdout.trim()).toBe(trialPath);
    await inspect(fleet, registered(machine));
    const imported = await machine.narHash(trialPath);
    await machine.run(`nix-store --delete ${trialPath}; nix-store --realise ${path}`);
    expect(await machine.narHash(trialPath)).toBe(imported);
  });
});

function withoutComment(hostKey: string): string {
  return Buffer.from(hostKey, "base64").toString().split(" ").slice(0, 2).join(" ");
}
