import { describe, expect, it } from "vitest";
import type { Machine } from "../../../lambdas/api/schema/machines.ts";
import { problem } from "../fault-service.ts";
import { hostKeyField, presentedKey } from "../host-keys.ts";
import { type MachineService, startMachineService } from "../machine-service.ts";
import { runDrover } from "../run-drover.ts";
import { runOnTerminal } from "../run-on-terminal.ts";
import { failure, inspection, machine, mismatch } from "../views.ts";

const ed25519 = presentedKey(1);
const rsa = presentedKey(2, "ssh-rsa");
const other = presentedKey(3);
const untrusted = machine("mac", { hostKey: null, trusted: false, hostKeyFingerprint: null });
const trusting = (...keys: readonly { readonly line: string }[]): Machine =>
  machine("mac", { hostKey: hostKeyField(keys) });

async function presenting(
  keys: ReturnType<typeof presentedKey>[],
  before: Machine,
  fault?: (service: MachineService) => void,
): Promise<MachineService> {
  const service: MachineService = await startMachineService([before], {
    inspections: [inspection("mac", [], { hostKeys: keys })],
    fault: ({ method }) => {
      if (method === "PUT") fault?.(service);
      return undefined;
    },
  });
  return service;
}

const stored = (service: MachineService) => service.machines.get("mac")?.hostKey;
const changes = (service: MachineService) => service.requests.filter(({ method }) => method === "PUT");

describe("drover machines trust on a terminal", () => {
  it("shows all keys and how to compare them, and stores them after a yes, for the machine as it was seen", async () => {
    await using service = await presenting([ed25519, rsa], untrusted);
    const { shown, code } = await runOnTerminal(["machines", "trust", "ssh-ng://mac"], service.environment, [
      { after: "[y/N] ", text: "y\n" },
    ]);
    expect(shown.replace("looking at mac …\r\u001b[K", "")).toBe(
      `mac presents:
  ssh-ed25519  ${ed25519.fingerprint}  not trusted yet
  ssh-rsa      ${rsa.fingerprint}  not trusted yet
To compare, run this on the machine itself, not through the network:
  ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub
  ssh-keygen -lf /etc/ssh/ssh_host_rsa_key.pub
Trust these keys? [y/N] y
mac: 2 keys are trusted now; ready
`,
    );
    expect(code).toBe(0);
    expect(stored(service)).toBe(hostKeyField([ed25519, rsa]));
    expect(changes(service)[0]?.headers["if-match"]).toBe(untrusted.etag);
  });

  it.each([["n\n"], ["\n"], ["yess\n"], ["\u0004"]])("stores nothing after %j", async (text) => {
    await using service = await presenting([ed25519], untrusted);
    const { shown, code } = await runOnTerminal(["machines", "trust", "mac"], service.environment, [
      { after: "Trust this key? [y/N] ", text },
    ]);
    expect(shown).toContain("mac: nothing has been changed\n");
    expect(code).toBe(1);
    expect(changes(service)).toEqual([]);
  });

  it("ends at Ctrl-C", async () => {
    await using service = await presenting([ed25519], untrusted);
    const { shown, code } = await runOnTerminal(["machines", "trust", "mac"], service.environment, [
      { after: "[y/N] ", text: "\u0003" },
    ]);
    expect(shown).toContain("error: interrupted. (DROVER_INTERRUPTED)");
    expect(code).toBe(130);
    expect(changes(service)).toEqual([]);
  });

  it("overwrites nothing that somebody else has trusted while the question was open", async () => {
    await using service = await presenting([ed25519], untrusted, ({ change }) =>
      change("mac", { hostKey: hostKeyField([other]), trusted: true }),
    );
    const { shown, code } = await runOnTerminal(["machines", "trust", "mac"], service.environment, [
      { after: "[y/N] ", text: "y\n" },
    ]);
    expect(shown).toContain("error: Somebody has changed 'mac'. (DROVER_MACHINE_CHANGED)");
    expect(code).toBe(1);
    expect(stored(service)).toBe(hostKeyField([other]));
  });
});

describe("drover machines trust --fingerprint", () => {
  it("stores the key with that fingerprint only, and asks nobody", async () => {
    await using service = await presenting([ed25519, rsa], untrusted);
    const args = ["machines", "trust", "mac", "--fingerprint", rsa.fingerprint];
    const { stdout, stderr, code } = await runDrover(args, service);
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    expect(stdout).toMatch(/mac: 1 key is trusted now; ready\n$/);
    expect(stored(service)).toBe(hostKeyField([rsa]));
  });

  it("refuses what the machine does not present, and lists what it presents", async () => {
    await using service = await presenting([ed25519, rsa], untrusted);
    const args = ["machines", "trust", "mac", "--fingerprint", other.fingerprint];
    const { stderr, code } = await runDrover(args, service);
    expect(code).toBe(1);
    expect(stderr).toContain(
      `error: mac has no host key ${other.fingerprint}; it presents ssh-ed25519 ${ed25519.fingerprint}, ` +
        `ssh-rsa ${rsa.fingerprint}. (DROVER_FINGERPRINT)\nremedy: `,
    );
    expect(changes(service)).toEqual([]);
  });

  it.each([["MD5:aa:bb"], ["SHA256:short"]])(
    "takes %j for a slip of the pen, before anything is looked at",
    async (text) => {
      await using service = await presenting([ed25519], untrusted);
      const { stderr, code } = await runDrover(["machines", "trust", "mac", "--fingerprint", text], service);
      expect(code).toBe(64);
      expect(stderr).toContain(`'${text}' is not a fingerprint`);
      expect(service.requests).toEqual([]);
    },
  );

  it("gives programs the keys and the machine", async () => {
    await using service = await presenting([ed25519, rsa], untrusted);
    const args = ["machines", "trust", "mac", "--json", "--fingerprint", ed25519.fingerprint];
    const { stdout } = await runDrover(args, service);
    expect(JSON.parse(stdout)).toMatchObject({ outcome: "trusted", keys: [ed25519], machine: { trusted: true } });
  });
});

describe("drover machines trust", () => {
  it("refuses where nobody can be asked, and tells both ways", async () => {
    await using service = await presenting([ed25519], untrusted);
    const { stdout, stderr, code } = await runDrover(["machines", "trust", "mac"], service);
    expect(code).toBe(64);
    expect(stdout).toContain(ed25519.fingerprint);
    expect(stderr).toMatch(
      /^error: nobody is there to say .*\(DROVER_USAGE\)\nremedy: .*ssh-keygen -lf.*in a terminal/,
    );
    expect(stderr).toContain(`drover machines trust mac --fingerprint ${ed25519.fingerprint}`);
    expect(changes(service)).toEqual([]);
  });

  it.each([
    ["the same keys", [rsa, ed25519], trusting(ed25519, rsa), ["--replace"]],
    ["the one that is named", [ed25519, rsa], trusting(ed25519), ["--fingerprint", ed25519.fingerprint]],
  ])("does nothing when it is trusted by %s already", async (_, keys, before, flags) => {
    await using service = await presenting(keys, before);
    const { stdout, code } = await runDrover(["machines", "trust", "mac", ...flags], service);
    expect(stdout).toMatch(/mac: trusted already\n$/);
    expect(code).toBe(0);
    expect(changes(service)).toEqual([]);
  });

  it("says what is different, and changes nothing without --replace", async () => {
    await using service = await presenting([other, rsa], trusting(ed25519, rsa));
    const { stdout, stderr, code } = await runDrover(["machines", "trust", "mac"], service);
    expect(stdout).toBe(
      `mac presents:
  ssh-ed25519  ${other.fingerprint}  CHANGED: another key of this type is trusted
  ssh-rsa      ${rsa.fingerprint}  trusted
  ssh-ed25519  ${ed25519.fingerprint}  trusted, but not presented
`,
    );
    expect(stderr).toMatch(
      /\(DROVER_HOST_KEY_MISMATCH\)\nremedy: Find out why.*drover machines trust mac --replace\n$/,
    );
    expect(code).toBe(1);
    expect(changes(service)).toEqual([]);
  });

  it("replaces keys that have changed, also when looking at them has drained the machine", async () => {
    await using service = await presenting([other], trusting(ed25519), ({ change, machines }) => {
      if (machines.get("mac")?.drainedFor === null) change("mac", { mode: "drained", drainedFor: mismatch });
    });
    const args = ["machines", "trust", "mac", "--replace", "--fingerprint", other.fingerprint];
    const { stdout, stderr, code } = await runDrover(args, service);
    expect(stdout).toMatch(/mac: 1 key is trusted now; ready\n$/);
    expect(stderr).toMatch(/^note: if its line in your machines file has the old key/);
    expect(code).toBe(0);
    expect(stored(service)).toBe(hostKeyField([other]));
    expect(changes(service).map(({ body }) => JSON.parse(body.toString()))).toEqual([
      { keys: [other.line], replace: true },
      { keys: [other.line], replace: true },
    ]);
  });

  it("replaces a stored key that can't be read only when it is told to", async () => {
    await using service = await presenting([ed25519], machine("mac", { hostKey: "AAAA" }));
    const args = ["machines", "trust", "mac", "--fingerprint", ed25519.fingerprint];
    expect((await runDrover(args, service)).stderr).toContain("DROVER_HOST_KEY_MISMATCH");
    expect((await runDrover([...args, "--replace"], service)).code).toBe(0);
    expect(stored(service)).toBe(hostKeyField([ed25519]));
  });

  it("tells of a machine that stays drained although its keys are the old ones again", async () => {
    await using service = await presenting([ed25519], { ...trusting(ed25519), mode: "drained", drainedFor: mismatch });
    const { stdout } = await runDrover(["machines", "trust", "mac"], service);
    expect(stdout).toMatch(/mac: trusted already, but it is drained: drover machines enable mac\n$/);
  });

  it("says why the keys of a machine can't be seen, and what to do", async () => {
    const inspections = [inspection("mac", [{ ...failure, check: "tcp", found: "connection refused.\n" }])];
    await using service = await startMachineService([untrusted], { inspections });
    const { stdout, stderr, code } = await runDrover(["machines", "trust", "mac"], service);
    expect({ stdout, stderr, code }).toEqual({
      stdout: "",
      stderr:
        "error: the host keys of mac can't be seen: tcp: connection refused. (DROVER_HOST_KEYS_UNSEEN)\n" +
        `remedy: ${failure.remedy}\n`,
      code: 1,
    });
  });

  it("passes on what the service says of an unknown machine", async () => {
    await using service = await startMachineService([], { fault: () => problem(404, "DROVER_MACHINE_UNKNOWN") });
    const { stderr, code } = await runDrover(["machines", "trust", "mac"], service);
    expect(stderr).toMatch(/\(DROVER_MACHINE_UNKNOWN\)\nremedy: /);
    expect(code).toBe(1);
  });
});
