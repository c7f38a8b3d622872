import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { decodeHostKeys } from "../../../nix/machine-spec/host-key.ts";
import { mustRun } from "../../machines/run-command.ts";
import { createOwnersHome, type OwnersHome, shortly } from "./owners-home.ts";

/** What a route has that nothing is said of. */
const plain = { port: 22, user: null, identityFile: null, identityAgent: null, jumps: [] };

/** A host that has been logged in to. @returns its public key line */
async function acquaint(home: OwnersHome, name: string, file = ".ssh/known_hosts"): Promise<string> {
  const key = await home.key("host");
  const line = (await readFile(`${key}.pub`, "utf8")).trim();
  const path = join(home.path, file);
  const before = await readFile(path, "utf8").catch(() => "");
  await home.file(file, `${before}${name} ${line}\n`);
  return line.split(" ").slice(0, 2).join(" ");
}

function keyLines(field: string | undefined): string[] {
  return decodeHostKeys(field ?? "").map(({ type, blob }) => `${type} ${Buffer.from(blob).toString("base64")}`);
}

describe("the ssh_config of whoever imports", () => {
  it("gives routes to the machines that it has something to say of, and to no other", async () => {
    await using home = await createOwnersHome(
      "Host mac\n  HostName mac.example.org\n  User nix\n  Port 2222\nMatch host 10.*\n  User ten\n",
    );
    const { routes, lints, errors, parts } = await home.resolve("mac\nother.example.org\nssh-ng://10.0.0.1\n");
    expect(routes).toEqual({
      mac: { ...plain, host: "mac.example.org", port: 2222, user: "nix" },
      "10.0.0.1": { ...plain, host: "10.0.0.1", user: "ten" },
    });
    expect({ lints, errors }).toEqual({ lints: [], errors: [] });
    expect(parts.map(({ text }) => text).join("")).toBe("mac\nother.example.org\nssh-ng://10.0.0.1\n");
  });

  it("lets the user and the port of the address win, even where the port is the usual one", async () => {
    await using home = await createOwnersHome("Host mac\n  HostName m\n  User nix\n  Port 2222\n");
    const { routes } = await home.resolve("ssh://ann@mac:99\nssh://mac:22\nssh://[::1]\n");
    expect(routes).toEqual({
      "ann@mac:99": { ...plain, host: "m", port: 99, user: "ann" },
      mac: { ...plain, host: "m", user: "nix" },
    });
  });

  it("carries over a user who is the local one as well", async () => {
    const user = (await mustRun("id", ["-un"])).trim();
    await using home = await createOwnersHome(`Host mac\n  User ${user}\n`);
    expect((await home.resolve("mac\n")).routes).toEqual({ mac: { ...plain, host: "mac", user } });
  });

  it("takes the first identity with a key that needs no passphrase", async () => {
    await using home = await createOwnersHome(
      "Host mac\n  IdentityFile ~/.ssh/missing\n  IdentityFile ~/.ssh/locked\n  IdentityFile ~/.ssh/id_%r\n  IdentityFile ~/.ssh/second\n  User nix\n",
    );
    const identityFile = await home.key("id_nix");
    await home.key("locked", { passphrase: "correct horse" });
    await home.key("second");
    const { routes, lints } = await home.resolve("\n  mac\n");
    expect(routes).toEqual({ mac: { ...plain, host: "mac", user: "nix", identityFile } });
    expect(shortly(lints)).toEqual(["machines:2:3 DROVER_SSH_CONFIG"]);
    expect(lints[0]?.message).toContain(`uses the first, ${identityFile}, and not ${join(home.path, ".ssh/second")}`);
  });

  it("asks for no identity where the line has its own", async () => {
    await using home = await createOwnersHome("Host mac pc\n  IdentityFile ~/.ssh/locked\n");
    await home.key("locked", { passphrase: "correct horse" });
    const own = await home.key("own");
    const { routes, errors, lints } = await home.resolve(`mac - ${own}\nssh://pc?ssh-key=${own}\n`);
    expect({ routes, errors, lints }).toEqual({ routes: {}, errors: [], lints: [] });
  });

  it("refuses machines whose only identity has a passphrase, with all their lines, and keeps the others", async () => {
    await using home = await createOwnersHome("Host mac\n  IdentityFile ~/.ssh/locked\n");
    await home.key("locked", { passphrase: "correct horse" });
    const text = "ok ; mac x86_64-linux ; fine\nmac aarch64-linux # again\n";
    const { routes, errors, parts, complete } = await home.resolve(text);
    expect(shortly(errors)).toEqual(["machines:1:6 DROVER_IDENTITY_LOCKED", "machines:2:1 DROVER_IDENTITY_LOCKED"]);
    expect(errors[0]?.remedy).toContain("ssh-keygen -p -N ''");
    expect(routes).toEqual({});
    expect(parts).toEqual([
      { file: "machines", line: 1, column: 1, text: "ok " },
      { file: "machines", line: 1, column: 24, text: " fine\n" },
      { file: "machines", line: 2, column: 19, text: "# again\n" },
    ]);
    expect(complete).toBe(false);
  });

  it("only notes an identity with a passphrase that is there for all hosts", async () => {
    await using home = await createOwnersHome("IdentityFile ~/.ssh/locked\n");
    await home.key("locked", { passphrase: "correct horse" });
    const { routes, errors, lints } = await home.resolve("mac\n");
    expect({ routes, errors }).toEqual({ routes: {}, errors: [] });
    expect(lints[0]?.message).toMatch(/locked \(has a passphrase\)\. Drover logs in with its own key\.$/);
  });

  it("carries over an agent that listens at a path, and leaves keys with a passphrase to it", async () => {
    await using home = await createOwnersHome(
      "Host mac\n  IdentityAgent /run/agent\n  IdentityFile ~/.ssh/locked\nHost pc\n  IdentityAgent SSH_AUTH_SOCK\nHost none\n  IdentityAgent none\n",
    );
    await home.key("locked", { passphrase: "correct horse" });
    const { routes, errors, lints } = await home.resolve("mac\npc\nnone\n");
    expect(routes).toEqual({ mac: { ...plain, host: "mac", identityAgent: "/run/agent" } });
    expect(errors).toEqual([]);
    expect(lints.map(({ line, message }) => `${line} ${message}`)).toEqual([
      expect.stringMatching(/^2 The ssh_config has IdentityAgent SSH_AUTH_SOCK for 'pc'; /),
      expect.stringMatching(/^3 The ssh_config has IdentityAgent none for 'none'; /),
    ]);
  });

  it("resolves the hosts of ProxyJump, nearest first, with the keys that the owner knows", async () => {
    await using home = await createOwnersHome(
      "Host mac\n  ProxyJump outer,ann@inner:33\nHost inner\n  HostName inner.example.org\n  IdentityFile ~/.ssh/inner\nHost outer\n  HostName 10.0.0.1\n  ProxyJump gate\n  HostKeyAlias known-as\n",
    );
    const identityFile = await home.key("inner");
    const inner = await acquaint(home, "[inner.example.org]:33");
    const outer = await acquaint(home, "known-as");
    const gate = [await acquaint(home, "gate,10.0.0.9"), await acquaint(home, "gate")];
    await mustRun("ssh-keygen", ["-H", "-f", join(home.path, ".ssh/known_hosts")]);
    const { routes, errors, lints } = await home.resolve("mac\n");
    expect({ errors, lints }).toEqual({ errors: [], lints: [] });
    const { jumps = [], ...route } = routes["mac"] ?? {};
    expect(route).toEqual({ host: "mac", port: 22, user: null, identityFile: null, identityAgent: null });
    expect(jumps.map((jump) => ({ ...jump, hostKey: keyLines(jump.hostKey) }))).toEqual([
      { host: "gate", port: 22, user: null, identityFile: null, hostKey: gate },
      { host: "10.0.0.1", port: 22, user: null, identityFile: null, hostKey: [outer] },
      { host: "inner.example.org", port: 33, user: "ann", identityFile, hostKey: [inner] },
    ]);
  });

  it("knows a jump host at another port by its name alone, as ssh does, but not by a revoked key", async () => {
    await using home = await createOwnersHome("Host mac\n  ProxyJump gate:44\nHost pc\n  ProxyJump bad\n");
    const gate = await acquaint(home, "gate");
    const bad = await acquaint(home, "bad");
    const before = await readFile(join(home.path, ".ssh/known_hosts"), "utf8");
    await home.file(".ssh/known_hosts", `${before}@revoked bad ${bad}\n@cert-authority gate ${bad}\n`);
    const { routes, errors } = await home.resolve("mac\npc\n");
    expect(keyLines(routes["mac"]?.jumps[0]?.hostKey)).toEqual([gate]);
    expect(shortly(errors)).toEqual(["machines:2:1 DROVER_JUMP_HOST_KEY"]);
  });

  it("refuses machines behind hosts that nobody has logged in to, and says what to do", async () => {
    await using home = await createOwnersHome("Host mac\n  ProxyJump gate\nHost gate\n  HostName 10.0.0.1\n");
    const { routes, errors, parts } = await home.resolve("mac;ok\n");
    expect(routes).toEqual({});
    expect(shortly(errors)).toEqual(["machines:1:1 DROVER_JUMP_HOST_KEY"]);
    expect(errors[0]?.message).toContain("'gate' (10.0.0.1, port 22)");
    expect(errors[0]?.remedy).toContain("ssh gate");
    expect(parts).toEqual([{ file: "machines", line: 1, column: 5, text: "ok\n" }]);
  });

  it("refuses a way that leads in a circle", async () => {
    await using home = await createOwnersHome("Host a mac\n  ProxyJump b\nHost b\n  ProxyJump a\n");
    await acquaint(home, "a,b");
    const { errors } = await home.resolve("mac\n");
    expect(shortly(errors)).toEqual(["machines:1:1 DROVER_JUMP_HOST"]);
  });

  it("says what can't be carried over, at the machine's first line", async () => {
    await using home = await createOwnersHome(
      [
        "Host mac",
        "  ProxyCommand nc %h %p",
        "  CertificateFile ~/cert.pub",
        "  PKCS11Provider /lib/p11.so",
        "  SetEnv A=1 B=2",
        "  Compression yes",
        "  KexAlgorithms curve25519-sha256",
        "Host *",
        "  Ciphers aes128-ctr",
        "  HostKeyAlias alias",
      ].join("\n"),
    );
    const { lints, routes } = await home.resolve("other\n mac\nmac aarch64-linux\n");
    expect(routes).toEqual({});
    expect(new Set(shortly(lints))).toEqual(new Set(["machines:2:2 DROVER_SSH_CONFIG"]));
    expect(lints.map(({ message }) => /The ssh_config has (.*) for 'mac'/.exec(message)?.[1])).toEqual([
      "ProxyCommand nc %h %p",
      "CertificateFile ~/cert.pub",
      "PKCS11Provider /lib/p11.so",
      "SetEnv A=1 B=2",
      "Compression yes",
      "KexAlgorithms of its own",
    ]);
  });

  it("notes a configuration that ssh can't read, once, and takes the addresses as they are", async () => {
    await using home = await createOwnersHome("Host mac\n  Usre nix\n");
    const { routes, errors, lints, complete } = await home.resolve("mac\nother\n");
    expect({ routes, errors, complete }).toEqual({ routes: {}, errors: [], complete: true });
    expect(shortly(lints)).toEqual(["machines:1:1 DROVER_SSH_CONFIG"]);
    expect(lints[0]?.message).toMatch(/line 2: Bad configuration option: usre/);
  });

  it("follows Include, where the owner's other files are", async () => {
    await using home = await createOwnersHome('Include "$HOME/.ssh/more/*"\n');
    await home.file(".ssh/more/work", "Host mac\n  User nix\n");
    expect((await home.resolve("mac\n")).routes).toEqual({ mac: { ...plain, host: "mac", user: "nix" } });
  });
});

describe("identities that lines name", () => {
  it("are refused with a passphrase, and noted where they are missing or no keys", async () => {
    await using home = await createOwnersHome();
    const locked = await home.key("locked", { passphrase: "correct horse" });
    const good = await home.key("good");
    const missing = join(home.path, "missing");
    const text = `a - ${locked}\nb - ${good}\nc - ${missing}\nssh://d?ssh-key=${locked}\ne - ${good}.pub\nf - relative\n`;
    const { errors, lints, parts } = await home.resolve(text);
    expect(shortly(errors)).toEqual(["machines:1:1 DROVER_IDENTITY_LOCKED", "machines:4:1 DROVER_IDENTITY_LOCKED"]);
    expect(shortly(lints)).toEqual(["machines:3:1 DROVER_IDENTITY_MISSING", "machines:5:1 DROVER_IDENTITY_INVALID"]);
    expect(parts.map((part) => part.text)).toEqual([
      `\nb - ${good}\nc - ${missing}\n`,
      `\ne - ${good}.pub\nf - relative\n`,
    ]);
  });

  it("leaves lines with errors to the service", async () => {
    await using home = await createOwnersHome();
    const text = "a - - many\nlocal\nssh://5/x\n";
    const { errors, lints, parts } = await home.resolve(text);
    expect({ errors, lints, sent: parts[0]?.text }).toEqual({ errors: [], lints: [], sent: text });
  });
});
