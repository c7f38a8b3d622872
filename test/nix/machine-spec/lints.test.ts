import { describe, expect, test } from "vitest";
import { parseMachines } from "../../../nix/machine-spec/parse.ts";

const parse = (text: string) => parseMachines(text, { defaultSystem: "x86_64-linux", file: "/etc/nix/machines" });
const lints = (text: string) => parse(text).lints.map(({ code, column }) => `${code} ${column}`);
const line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINB9ubdHQPtaXz7UiEfhYT6P8M7sWfbPcauuXTjnG5r8 root@mac";
const base64 = (text: string) => Buffer.from(text).toString("base64");

describe("ordinary lines have no lints", () => {
  test.each([
    "mac",
    "# a comment",
    "# a comment, with: punctuation!",
    "",
    "nix@mac i686-linux,x86_64-linux /k 8 2 kvm benchmark",
    "ssh-ng://u@mac?compress=true aarch64-darwin /root/key 8 2 a b",
    "ssh://mac?remote-store=/home/me/my-nix&remote-program=/opt/nix/bin/nix-store&ssh-key=/k",
    "ssh://mac x86_64-linux - 8 2 kvm,benchmark - -",
    `ssh://mac x86_64-linux - 8 1 - - ${base64(`${line}\n`)}`,
    `ssh://mac x86_64-linux - 8 1 - - ${base64(`${line}\nmac ${line}\n`)}`,
    "ssh://mac - - 4294967295 4294967295",
    "ssh://autobot\nssh://localhost2\nssh://remote",
    "ssh://[::1]\nroot@::1\nssh://fe80::1%eth0",
    "  indented x86_64-linux",
    "a;b\na ; b # both",
    "\ta\t-\t-\r\nb\r\n",
  ])("%j", (text) => {
    expect(parse(text)).toMatchObject({ errors: [], lints: [] });
  });
});

describe("what the writer can hardly have meant", () => {
  test.each([
    ["ssh://u:secret@mac", "DROVER_MACHINE_PASSWORD", 1],
    ["ssh://mac?compress", "DROVER_MACHINE_PARAMETER", 1],
    ["ssh://mac?compress=maybe", "DROVER_MACHINE_PARAMETER", 1],
    ["ssh://mac?compress=true&compress=false", "DROVER_MACHINE_PARAMETER", 1],
    ["local", "DROVER_MACHINE_SCHEME", 1],
    ["ssh://localhost", "DROVER_MACHINE_LOCALHOST", 1],
    ["a - id_rsa", "DROVER_MACHINE_SSH_KEY", 5],
    ["a - ~/.ssh/id_rsa", "DROVER_MACHINE_SSH_KEY", 5],
    ["ssh://a?ssh-key=id_rsa", "DROVER_MACHINE_SSH_KEY", 1],
    ["ssh://a?ssh-key=/a - /b", "DROVER_MACHINE_OVERRULED", 1],
    [
      `ssh://a?base64-ssh-public-host-key=${base64(line)} - - 1 1 - - ${base64(`${line}!`)}`,
      "DROVER_MACHINE_OVERRULED",
      1,
    ],
    ["ssh://a?base64-ssh-public-host-key=c3NoLWVk", "DROVER_HOST_KEY", 1],
    ["a - - 1 1 - - c3NoLWVk", "DROVER_HOST_KEY", 15],
    ["a - - 1 1 - - - more", "DROVER_MACHINE_EXTRA_FIELD", 17],
    ["a - - 0", "DROVER_MACHINE_NO_JOBS", 7],
    ["a ,", "DROVER_MACHINE_NO_SYSTEMS", 3],
  ])("%s: %s", (text, code, column) => {
    const { machines, errors, lints } = parse(text);
    expect(machines).toHaveLength(1);
    expect(errors).toEqual([]);
    expect(lints).toMatchObject([{ file: "/etc/nix/machines", line: 1, column, code }]);
    expect(lints[0]?.remedy).toMatch(/^[A-Z]/);
  });

  test("the same in the parameter and in the field is no matter", () => {
    expect(lints("ssh://a?ssh-key=/a - /a")).toEqual([]);
  });

  test.each([
    ["auto", "a store on the machine where Nix itself runs"],
    ["daemon", "a store on the machine where Nix itself runs"],
    ["?root=/x", "a store on the machine where Nix itself runs"],
    ["/srv/store", "a store on the machine where Nix itself runs"],
    ["unix:///run/socket", "a store on the machine where Nix itself runs"],
    ["https://cache.example.org", "a binary cache, which builds nothing"],
    ["foo://bar", "'foo' is not ssh or ssh-ng"],
  ])("%s is not reached by SSH, for a reason", (text, reason) => {
    const lint = parse(text).lints.find(({ code }) => code === "DROVER_MACHINE_SCHEME");
    expect(lint?.message).toContain(reason);
    expect(lint?.remedy).toBeTruthy();
  });

  test.each([
    ["store", /is ignored by Drover/],
    ["path-info-cache-size", /is ignored by Drover/],
    ["priority", /is ignored by Drover/],
    ["want-mass-query", /is ignored by Drover/],
    ["trusted", /is ignored by Drover/],
    ["system-features", /is ignored by Drover/],
    ["max-connections", /is ignored by Drover, .* Nix uses 1 with ssh/],
    ["bogus", /'bogus' is unknown to Nix and to Drover/],
    ["port", /'port' is Lix's/],
  ])("the parameter %s is told of", (name, message) => {
    const [lint, ...others] = parse(`ssh://mac?${name}=1`).lints;
    expect(others).toEqual([]);
    expect(lint).toMatchObject({ code: "DROVER_MACHINE_PARAMETER", message: expect.stringMatching(message) });
  });

  test("a mistyped parameter is recognised", () => {
    expect(parse("ssh://mac?SSH_key=/k").lints[0]?.remedy).toBe("Write ssh-key.");
  });
});

test("a line of nix.conf is told to be one", () => {
  expect(parse("builders = ssh://mac x86_64-linux").lints[0]).toMatchObject({
    code: "DROVER_MACHINE_FIELD_MISSING",
    column: 10,
    remedy: expect.stringContaining("give only what follows the equals sign"),
  });
});

test("Lix's TOML is told to be such", () => {
  const { errors } = parse('[machines.mac]\nuri = "ssh://mac"\n');
  expect(errors).toMatchObject([{ code: "DROVER_MACHINE_TOML", line: 1, column: 1 }]);
});

describe("fields that were left out", () => {
  test.each([
    ["5", "DROVER_MACHINE_FIELD_MISSING 1", "The first one is the address"],
    ["ssh://5", "DROVER_MACHINE_FIELD_MISSING 1", "The first one is the address"],
    ["8 2 kvm", "DROVER_MACHINE_FIELD_MISSING 1", "The first one is the address"],
    ["mac 8 2", "DROVER_MACHINE_FIELD_MISSING 5", "The second one is the list of systems"],
    ["mac /root/key 8 2", "DROVER_MACHINE_FIELD_MISSING 5", "The second one is the list of systems"],
    ["mac ~/.ssh/id 8 2", "DROVER_MACHINE_FIELD_MISSING 5", "The second one is the list of systems"],
    ["mac ssh://other", "DROVER_MACHINE_FIELD_MISSING 5", "The second one is the list of systems"],
    ["ssh://mac x86_64-linux 8 2", "DROVER_MACHINE_FIELD_MISSING 24", "The third one is the identity file"],
    [`mac x86_64-linux - 8 2 ${base64(line)}`, "DROVER_MACHINE_FIELD_MISSING 24", "The eighth one is the host key"],
    [`mac x86_64-linux - 8 2 kvm ${base64(line)}`, "DROVER_MACHINE_FIELD_MISSING 28", "The eighth one is the host key"],
    ["mac x86_64-linux - 8 2 kvm ssh-ed25519", "DROVER_MACHINE_FIELD_MISSING 28", "The eighth one is the host key"],
  ])("%s", (text, lint, order) => {
    const { lints } = parse(text);
    expect(lints.map(({ code, column }) => `${code} ${column}`)).toContain(lint);
    const missing = lints.find(({ code }) => code === "DROVER_MACHINE_FIELD_MISSING");
    expect(missing?.remedy).toContain(`did you leave a field out? ${order}`);
  });
});

describe("a host key that is not encoded", () => {
  test.each([
    ["a line of a .pub file", line, `encode it: ${base64(`${line}\n`)}`],
    ["such a line without its comment", line.replace(" root@mac", ""), "encode it: c3NoLWVkMjU1MTkgQUFBQUMz"],
    ["a type and a key that was cut", "ssh-ed25519 AAAA", "encode it: base64 -w0 /etc/ssh/"],
    ["a line of known_hosts", `mac ${line}`, base64(`${line}\n`)],
    ["the key alone", line.split(" ")[1] ?? "", base64(line.replace(" root@mac", "\n"))],
    ["a known_hosts line in base 64", base64(`mac ${line}\n`), base64(`${line}\n`)],
    ["a fingerprint", "SHA256:MPMtpghRuHwwurmGXlC8zXOEFOdZMec849Yfolxsj5k", "drover machines trust"],
    ["a path", "/etc/ssh/ssh_host_ed25519_key.pub", "base64 -w0 /etc/ssh/ssh_host_ed25519_key.pub"],
    ["a private key", "-----BEGIN OPENSSH PRIVATE KEY-----", "Never write a private key here"],
    ["a private key in base 64", base64("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n"), "no secret any more"],
  ])("%s is told what to write", (_, key, remedy) => {
    const { errors, lints } = parse(`mac x86_64-linux - 1 1 - - ${key}`);
    const problems = [...errors, ...lints];
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ column: 28, code: expect.stringMatching(/HOST_KEY$/) });
    expect(problems[0]?.remedy).toContain(remedy);
    expect(problems[0]?.message).toContain(`'${key.slice(0, 24)}`);
  });
});

describe("older versions of Nix", () => {
  test.each([
    // Vectors 8, 9 and 13.
    ["a ; ; b", ["DROVER_OLDER_NIX_BLANK_ENTRY 4"]],
    ["a\n   \nb", ["DROVER_OLDER_NIX_BLANK_ENTRY 1"]],
    ["   # only", ["DROVER_OLDER_NIX_BLANK_ENTRY 1"]],
    ["a ; # c", ["DROVER_OLDER_NIX_BLANK_ENTRY 4"]],
    ["a\r\n\r\nb", ["DROVER_OLDER_NIX_BLANK_ENTRY 1"]],
    ["a ;\r\nb", ["DROVER_OLDER_NIX_BLANK_ENTRY 4"]],
    ["a ;; b\n; a\na ;", []],
    // Vectors 15, 16 and 58.
    ["a #c ; b", ["DROVER_OLDER_NIX_COMMENT 8"]],
    ["# c ; b", ["DROVER_OLDER_NIX_COMMENT 7"]],
    [
      "# 😀 ; b; ;c # d",
      ["DROVER_OLDER_NIX_COMMENT 7", "DROVER_OLDER_NIX_BLANK_ENTRY 9", "DROVER_OLDER_NIX_COMMENT 11"],
    ],
    ["# a ;# b", []],
    // Vector 50.
    [" @/f", ["DROVER_OLDER_NIX_INCLUDE 2"]],
    ["a ; @/f", ["DROVER_OLDER_NIX_INCLUDE 5"]],
    ["@/f\na;@/f", []],
    // Vectors 21 and 22.
    ["a - - 8 1.5", ["DROVER_OLDER_NIX_SPEED_FACTOR 9"]],
    ["a - - 8 1e3", ["DROVER_OLDER_NIX_SPEED_FACTOR 9"]],
    ["a - - 8 4294967296", ["DROVER_OLDER_NIX_SPEED_FACTOR 9"]],
    ["a - - 8 -3\na - - 8 three\na - - 8 +2\na - - 8 02", []],
    // Vectors 39 and 41.
    ["host:2222", ["DROVER_OLDER_NIX_PORT 1"]],
    ["ssh://u@[::1]:22", ["DROVER_OLDER_NIX_PORT 1"]],
    ["autobot", ["DROVER_OLDER_NIX_HOST 1"]],
    ["remote", ["DROVER_OLDER_NIX_HOST 1"]],
    ["localhost2", ["DROVER_OLDER_NIX_HOST 1"]],
    ["daemon", ["DROVER_MACHINE_SCHEME 1", "DROVER_OLDER_NIX_HOST 1"]],
    ["foo/bar", ["DROVER_MACHINE_SCHEME 1", "DROVER_OLDER_NIX_HOST 1"]],
    ["/tmp/foo", ["DROVER_MACHINE_SCHEME 1"]],
    ["ssh://[fe80::1%25eth0]", ["DROVER_OLDER_NIX_ZONE 1"]],
    ["ssh://d%5Cnix@mac", ["DROVER_OLDER_NIX_ENCODING 1"]],
    // Vector 47.
    ["ssh://mac?remote-store=/a%20b", ["DROVER_OLDER_NIX_QUOTING 1"]],
    ["ssh://mac?remote-store=/it's", ["DROVER_OLDER_NIX_QUOTING 1"]],
    ["ssh://mac?remote-program=sudo%20nix-store", []],
    ["ssh://mac?remote-program=$HOME/nix-store", ["DROVER_OLDER_NIX_QUOTING 1"]],
  ])("read %j differently in %j", (text, expected) => {
    expect(lints(text)).toEqual(expected);
  });

  test("are named", () => {
    const text = "a ; ; b - - 1 1.5\n# x ; y\n @f\nautobot:1\nssh://[fe80::1%25eth0]?remote-store=/a%20b";
    const messages = parse(text).lints.map(({ code, message }) => [code, message]);
    expect(messages).toHaveLength(8);
    for (const [, message] of messages) expect(message).toMatch(/Nix (2\.|up to 2\.)[0-9]+/);
  });
});
