import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { machineConnection } from "../../../nix/machine-spec/connection.ts";
import { parseMachineUri, parseSshUri, printSshUri } from "../../../nix/machine-spec/uri.ts";
import { outcome, thrown } from "../thrown.ts";
import { addresses } from "./arbitrary.ts";

const address = (changes: object) => ({
  scheme: "ssh",
  user: null,
  host: "mac",
  port: 22,
  parameters: {},
  ...changes,
});

describe("SSH addresses", () => {
  test.each([
    ["mac", {}, "ssh://mac"],
    ["ssh-ng://mac", { scheme: "ssh-ng" }, "ssh-ng://mac"],
    ["nix@mac", { user: "nix" }, "ssh://nix@mac"],
    ["ssh://nix:pw@mac", { user: "nix" }, "ssh://nix@mac"],
    ["ssh://d%5Cnix@mac", { user: "d\\nix" }, "ssh://d%5Cnix@mac"],
    ["mac:2222", { port: 2222 }, "ssh://mac:2222"],
    ["mac:", {}, "ssh://mac"],
    ["ssh://mac:22", {}, "ssh://mac:22"],
    ["my_mac", { host: "my_mac" }, "ssh://my_mac"],
    ["ssh://[::1]", { host: "::1" }, "ssh://[::1]"],
    ["ssh://::1", { host: "::1" }, "ssh://[::1]"],
    ["ssh://1::2222", { host: "1::2222" }, "ssh://[1::2222]"],
    ["root@::1", { user: "root", host: "::1" }, "ssh://root@[::1]"],
    ["ssh://nix@[::1]:2222", { user: "nix", host: "::1", port: 2222 }, "ssh://nix@[::1]:2222"],
    ["ssh://[fe80::1%25eth0]", { host: "fe80::1%eth0" }, "ssh://[fe80::1%25eth0]"],
    ["ssh://[fe80::1%eth0]:22", { host: "fe80::1%eth0" }, "ssh://[fe80::1%25eth0]:22"],
    ["ssh://fe80::1%eth0", { host: "fe80::1%eth0" }, "ssh://[fe80::1%25eth0]"],
    ["ssh://fe80::1%25", { host: "fe80::1%25" }, "ssh://[fe80::1%2525]"],
    ["ssh://::1?compress=true", { host: "::1", parameters: { compress: "true" } }, "ssh://[::1]?compress=true"],
    [
      "ssh://mac?remote-store=unix%3A%2F%2F%2Fs%3Fa%3Db%26c&b=1&b=2&dubious&a=",
      { parameters: { "remote-store": "unix:///s?a=b&c", b: "1", a: "" } },
      "ssh://mac?a=&b=1&remote-store=unix:///s?a%3Db%26c",
    ],
  ])("%s", (text, changes, uri) => {
    expect(parseSshUri(text)).toEqual(address(changes));
    expect(parseMachineUri(text).uri).toBe(uri);
    expect(parseSshUri(uri)).toEqual(address(changes));
  });

  test("of any kind survive printing and parsing", () => {
    fc.assert(
      fc.property(addresses, (address) => {
        expect(parseSshUri(printSshUri(address))).toEqual(address);
      }),
    );
  });

  test.each([
    ["ssh://", /host name is empty/],
    ["ssh://nix@", /host name is empty/],
    ["ssh://:22", /host name is empty/],
    ["ssh://@mac", /user name is empty/],
    ["ssh://-oProxyCommand=x", /host name starts with '-'/],
    ["ssh://%2DoProxyCommand=x", /host name starts with '-'/],
    ["ssh://-l@mac", /user name starts with '-'/],
    ["ssh://a%20b", /host name has illegal characters/],
    ["ssh://a%00b", /host name has illegal characters/],
    ["ssh://$(reboot)", /host name has illegal characters/],
    ["ssh://a;b@mac", /user name has illegal characters/],
    ["ssh://müc", /host name has illegal characters/],
    ["ssh://mac:0", /'0' is not a port/],
    ["ssh://mac:65536", /'65536' is not a port/],
    ["ssh://mac:+22", /'\+22' is not a port/],
    ["ssh:mac", /'mac' is not a port/],
    ["ssh://[::1", /illegal characters/],
    ["ssh://[::g]", /illegal characters/],
    ["ssh://[mac]", /illegal characters/],
    ["ssh://[::1]x", /illegal characters|not a port/],
    ["ssh://mac/path", /something follows the host/],
    ["ssh://mac/", /something follows the host/],
    ["ssh://mac%", /'%' in it does not start/],
    ["ssh://mac?a=%zz", /'%' in it does not start/],
    ["mac?ssh-key=/k", /cannot tell what it means/],
    ["local", /only ssh and ssh-ng/],
    ["/tmp/foo", /only ssh and ssh-ng/],
    ["foo://bar", /only ssh and ssh-ng/],
  ])("%s is refused", (text, message) => {
    const error = thrown(() => parseSshUri(text));
    expect(error.code).toBe("DROVER_MACHINE_URI");
    expect(error.message).toMatch(message);
    expect(error.remedy).toBeTruthy();
  });

  test("any text is read or refused", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(outcome(() => parseMachineUri(text))).toMatch(/^(returned|DROVER_MACHINE_URI)$/);
      }),
    );
  });
});

describe("other stores, as Nix renders them", () => {
  test.each([
    ["auto", "auto"],
    ["auto?root=/x", "auto?root=/x"],
    ["daemon", "daemon"],
    ["daemon?trusted=1", "unix://?trusted=1"],
    ["local", "local"],
    ["/a b/../c:d?trusted=true", "local:///c:d?trusted=true"],
    ["/a%b/ü", "local:///a%25b/%C3%BC"],
    ["unix:///run/s", "unix:///run/s"],
  ])("%s", (text, uri) => expect(parseMachineUri(text)).toMatchObject({ uri, ssh: null }));
});

describe("connections", () => {
  const uri = "ssh-ng://mac?ssh-key=/uri&base64-ssh-public-host-key=c3N&remote-program=nix-daemon%20-v&compress=true";

  test("take their settings from the URI", () => {
    expect(machineConnection({ uri, sshKey: null, hostKey: null })).toMatchObject({
      sshKey: "/uri",
      hostKey: "c3N",
      compress: true,
      remoteProgram: ["nix-daemon", "-v"],
      remoteStore: null,
    });
  });

  test("prefer the fields to the URI", () => {
    expect(machineConnection({ uri, sshKey: "/field", hostKey: "c3Nz" })).toMatchObject({
      sshKey: "/field",
      hostKey: "c3Nz",
    });
  });

  test.each([
    ["ssh://mac", ["nix-store"]],
    ["ssh-ng://mac", ["nix-daemon"]],
  ])("%s runs %j", (uri, remoteProgram) => {
    const connection = machineConnection({ uri, sshKey: null, hostKey: null });
    expect(connection).toMatchObject({ sshKey: null, hostKey: null, compress: false, remoteProgram });
  });

  test("decode the remote store", () => {
    const machine = { uri: "ssh://mac?remote-store=/a%20b", sshKey: null, hostKey: null };
    expect(machineConnection(machine).remoteStore).toBe("/a b");
  });
});
