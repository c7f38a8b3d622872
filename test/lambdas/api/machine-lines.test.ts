import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { machineName } from "../../../lambdas/api/machines/machine-name.ts";
import { readMachineLines, storedSpec } from "../../../lambdas/api/machines/read-lines.ts";

const keyLine = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICV7N4ZzHqTUTqHyEKgQBBSgCq6r9TsuDPVwJ7vsEC3h root@itchy";
const hostKey = Buffer.from(`${keyLine}\n`).toString("base64");
const read = (text: string) => readMachineLines(text, { defaultSystem: "x86_64-linux", file: "machines" });
const codes = (remarks: readonly { code: string }[]): string[] => remarks.map(({ code }) => code);

describe("a machine's name", () => {
  test.each([
    ["ssh://mac", "mac"],
    ["ssh://nix@mac", "nix@mac"],
    ["ssh-ng://nix@mac:2222?compress=true", "nix@mac:2222"],
    ["ssh://mac:22", "mac"],
    ["ssh://root@[::1]:2200", "root@[::1]:2200"],
    ["ssh://[fe80::1%25eth0]", "[fe80::1%eth0]"],
  ])("of %s is %s", (uri, name) => {
    expect(machineName(uri)).toBe(name);
  });
});

describe("reading a builders text", () => {
  test("gives names and specs with Nix's defaults", () => {
    const { lines, errors, lints } = read(`mac\nssh://nix@itchy i686-linux,x86_64-linux /k 8 2 kvm,big - ${hostKey}`);
    expect(errors).toEqual([]);
    expect(lints).toEqual([]);
    expect(lines).toEqual([
      {
        name: "mac",
        spec: {
          uri: "ssh://mac",
          systems: ["x86_64-linux"],
          sshKey: null,
          maxJobs: 1,
          speedFactor: 1,
          supportedFeatures: [],
          mandatoryFeatures: [],
          hostKey: null,
        },
      },
      {
        name: "nix@itchy",
        spec: {
          uri: "ssh://nix@itchy",
          systems: ["i686-linux", "x86_64-linux"],
          sshKey: "/k",
          maxJobs: 8,
          speedFactor: 2,
          supportedFeatures: ["big", "kvm"],
          mandatoryFeatures: [],
          hostKey,
        },
      },
    ]);
  });

  test("keeps good lines beside bad ones, and tells where the bad fields are", () => {
    const { lines, errors } = read("good\nbad x86_64-linux - many # why\nfine ; worse x86_64-linux - 1 -3");
    expect(lines.map(({ name }) => name)).toEqual(["good", "fine"]);
    expect(errors).toEqual([
      expect.objectContaining({ file: "machines", line: 2, column: 20, remedy: expect.stringMatching(/./) }),
      expect.objectContaining({ file: "machines", line: 3, column: 31, remedy: expect.stringMatching(/./) }),
    ]);
  });

  test.each(["local", "daemon", "/srv/store", "http://cache.example.org", "unix:///run/socket"])(
    "refuses %s, which SSH does not reach",
    (uri) => {
      const { lines, errors } = read(`${uri} x86_64-linux`);
      expect(lines).toEqual([]);
      expect(codes(errors)).toEqual(["DROVER_MACHINE_SCHEME"]);
      expect(errors[0]?.message).toContain("SSH");
    },
  );

  test("takes ssh-ng, and says how it is reached", () => {
    const { lines, errors, lints } = read("ssh-ng://nix@mac aarch64-darwin");
    expect(lines.map(({ name }) => name)).toEqual(["nix@mac"]);
    expect(errors).toEqual([]);
    expect(codes(lints)).toEqual(["DROVER_MACHINE_SSH_NG"]);
  });

  test("takes the first of two lines for one machine, whatever their schemes", () => {
    const { lines, errors } = read("mac x86_64-linux - 4\n\nssh-ng://mac:22 aarch64-linux - 2\nnix@mac");
    expect(lines.map(({ name, spec }) => [name, spec.maxJobs])).toEqual([
      ["mac", 4],
      ["nix@mac", 1],
    ]);
    expect(errors).toEqual([
      expect.objectContaining({
        code: "DROVER_MACHINE_DUPLICATE",
        line: 3,
        message: expect.stringContaining("line 1"),
      }),
    ]);
    expect(errors[0]?.message).toContain("share");
  });

  test.each([
    ["a raw key instead of its base 64", "AAAAC3NzaC1lZDI1NTE5AAAAICV7N4ZzHqTUTqHyEKgQBBSgCq6r9TsuDPVwJ7vsEC3h"],
    ["base 64 of something else", Buffer.from("hello").toString("base64")],
    ["two keys", Buffer.from(`${keyLine}\n${keyLine}\n`).toString("base64")],
    ["no base 64 at all", "SHA256:abc-def_ghi"],
  ])("refuses a line whose host key is %s, with a remedy", (_, key) => {
    const { lines, errors, lints } = read(`mac x86_64-linux - 1 1 - - ${key}`);
    expect(lines).toEqual([]);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ line: 1, column: 28, code: expect.stringMatching(/HOST_KEY/) });
    expect(errors[0]?.remedy).toMatch(/base64|base 64/);
    expect(lints).toEqual([]);
  });

  test.each(["1e9", "1e-9"])("refuses the speed factor %s, by which loads can not be compared", (factor) => {
    const { lines, errors } = read(`mac x86_64-linux - 1 ${factor}\nok`);
    expect(lines.map(({ name }) => name)).toEqual(["ok"]);
    expect(codes(errors)).toEqual(["DROVER_SPEED_FACTOR"]);
  });

  test("stores a host key that only the address carries", () => {
    const parameter = `?base64-ssh-public-host-key=${encodeURIComponent(hostKey)}`;
    const { lines } = read(`ssh://mac${parameter}\nssh://nix${parameter.replace(/key=.*/, "key=aGVsbG8")}`);
    expect(lines.map(({ spec }) => [spec.hostKey, storedSpec(spec).hostKey])).toEqual([[null, hostKey]]);
  });

  test("never throws, and reports places that are in the text", () => {
    const word = fc.oneof(
      fc.constantFrom("mac", "ssh://a@b:1", "ssh-ng://x", "-", "8", "0.5", "kvm,", hostKey, "@f", "local", "#", ";"),
      fc.string(),
    );
    const line = fc.array(word, { maxLength: 10 }).map((words) => words.join(" "));
    fc.assert(
      fc.property(
        fc.array(line).map((lines) => lines.join("\n")),
        (text) => {
          const { lines, errors, lints } = read(text);
          expect(new Set(lines.map(({ name }) => name)).size).toBe(lines.length);
          const rows = text.split("\n");
          for (const { line, column } of [...errors, ...lints]) {
            const length = Array.from(rows[line - 1] ?? "").length;
            expect(column).toBeGreaterThanOrEqual(1);
            expect(column).toBeLessThanOrEqual(length);
          }
        },
      ),
    );
  });
});
