import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SshRoute } from "../../../fleet/machine.ts";
import { machineName } from "../../../nix/machine-spec/machine-name.ts";
import { readMachineLines } from "../../../lambdas/api/machines/read-lines.ts";

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICV7N4ZzHqTUTqHyEKgQBBSgCq6r9TsuDPVwJ7vsEC3h";
const otherKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINB9ubdHQPtaXz7UiEfhYT6P8M7sWfbPcauuXTjnG5r8";
const encode = (text: string) => Buffer.from(text).toString("base64");
const hostKey = encode(`${key} root@itchy\n`);

const read = (text: string, routes: Record<string, SshRoute> = {}) =>
  readMachineLines([{ file: "machines", line: 1, column: 1, text }], { defaultSystem: "x86_64-linux", routes });
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
  const mac = {
    uri: "ssh://mac",
    systems: ["x86_64-linux"],
    sshKey: null,
    maxJobs: 1,
    speedFactor: 1,
    supportedFeatures: [],
    mandatoryFeatures: [],
    hostKey: null,
  };
  const itchy = {
    uri: "ssh://nix@itchy",
    systems: ["i686-linux", "x86_64-linux"],
    sshKey: "/k",
    maxJobs: 8,
    speedFactor: 2,
    supportedFeatures: ["big", "kvm"],
    mandatoryFeatures: [],
    hostKey,
  };

  test("gives lines and machines, with Nix's defaults", () => {
    expect(read(`mac\nssh://nix@itchy i686-linux,x86_64-linux /k 8 2 kvm,big - ${hostKey}`)).toEqual({
      lines: [
        { name: "mac", spec: mac },
        { name: "nix@itchy", spec: itchy },
      ],
      machines: [
        { name: "mac", position: 0, spec: mac, alternatives: [], route: null },
        { name: "nix@itchy", position: 1, spec: itchy, alternatives: [], route: null },
      ],
      errors: [],
      lints: [],
    });
  });

  test("gives machines the routes of their names", () => {
    const route = { host: "10.0.0.1", port: 22, user: "me", identityFile: null, identityAgent: null, jumps: [] };
    const { machines } = read("mac\nnix@mac\ntoString", { "nix@mac": route });
    expect(machines.map((machine) => [machine.name, machine.route])).toEqual([
      ["mac", null],
      ["nix@mac", route],
      ["toString", null],
    ]);
  });

  test("goes through parts of files in their order", () => {
    const parts = [
      { file: "machines", line: 1, column: 1, text: "a\n" },
      { file: "more", line: 1, column: 1, text: "b - - x\nc" },
      { file: "machines", line: 2, column: 9, text: " d - - y ; a x" },
    ];
    const { lines, machines, errors } = readMachineLines(parts, { defaultSystem: "x86_64-linux", routes: {} });
    expect(lines.map(({ name }) => name)).toEqual(["a", "c", "a"]);
    expect(machines.map(({ name, position }) => [name, position])).toEqual([
      ["a", 0],
      ["c", 1],
    ]);
    expect(errors.map(({ file, line, column }) => [file, line, column])).toEqual([
      ["more", 1, 7],
      ["machines", 2, 16],
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

  test.each(["local", "daemon", "auto", "/srv/store", "http://cache.example.org", "unix:///run/socket"])(
    "refuses %s, which SSH does not reach",
    (uri) => {
      const { lines, errors } = read(`${uri} x86_64-linux`);
      expect(lines).toEqual([]);
      expect(codes(errors)).toEqual(["DROVER_MACHINE_SCHEME"]);
      expect(errors[0]?.message).toContain("SSH");
    },
  );

  test("refuses an include that the client has left in, and says what to do", () => {
    const { lines, errors } = read("a ; @/etc/nix/more");
    expect(codes(lines.map(({ name }) => ({ code: name })))).toEqual(["a"]);
    expect(errors).toMatchObject([{ code: "DROVER_MACHINE_INCLUDE", line: 1, column: 5 }]);
    expect(errors[0]?.message).toContain("/etc/nix/more");
    expect(errors[0]?.remedy).toContain("drover machines import");
  });

  test("takes ssh-ng, and says how it is reached, once for a machine", () => {
    const { lines, errors, lints } = read("ssh-ng://nix@mac aarch64-darwin\nssh-ng://nix@mac x86_64-darwin");
    expect(lines.map(({ name }) => name)).toEqual(["nix@mac", "nix@mac"]);
    expect(errors).toEqual([]);
    expect(codes(lints)).toEqual(["DROVER_MACHINE_SSH_NG"]);
  });

  test.each(["1e9", "1e-9"])("refuses the speed factor %s, by which loads can not be compared", (factor) => {
    const { lines, errors } = read(`mac x86_64-linux - 1 ${factor}\nok`);
    expect(lines.map(({ name }) => name)).toEqual(["ok"]);
    expect(errors).toMatchObject([{ code: "DROVER_SPEED_FACTOR", line: 1, column: 22 }]);
  });
});

describe("several lines of one machine", () => {
  test("share it: further ones are what else it offers", () => {
    const { lines, machines, errors, lints } = read(
      `mac x86_64-darwin /k 4 2 big - ${hostKey}\nother\n\nssh-ng://mac:22 aarch64-darwin,x /k 2 1 - kvm ${hostKey}`,
    );
    expect(errors).toEqual([]);
    expect(codes(lints)).toEqual(["DROVER_OLDER_NIX_PORT"]);
    expect(lines.map(({ name, spec }) => [name, spec.maxJobs])).toEqual([
      ["mac", 4],
      ["other", 1],
      ["mac", 2],
    ]);
    expect(machines.map(({ name, position }) => [name, position])).toEqual([
      ["mac", 0],
      ["other", 1],
    ]);
    expect(machines[0]).toMatchObject({
      spec: { uri: "ssh://mac", systems: ["x86_64-darwin"], maxJobs: 4 },
      alternatives: [
        {
          systems: ["aarch64-darwin", "x"],
          maxJobs: 2,
          speedFactor: 1,
          supportedFeatures: [],
          mandatoryFeatures: ["kvm"],
        },
      ],
    });
  });

  test.each([
    ["another identity file", "mac - /a", "mac x /b", "identity file"],
    ["another identity file, by parameter", "ssh://mac?ssh-key=/a", "mac x /b", "identity file"],
    ["no identity file", "mac - /a", "mac", "identity file"],
    ["another host key", `mac - - 1 1 - - ${hostKey}`, `mac - - 1 1 - - ${encode(otherKey)}`, "host key"],
    ["one host key more", `mac - - 1 1 - - ${hostKey}`, `mac - - 1 1 - - ${encode(`${key}\n${otherKey}`)}`, "host key"],
    ["compression", "mac", "ssh://mac?compress=true", "compression"],
    ["another store", "mac", "ssh://mac?remote-store=/s", "remote-store"],
    ["another program", "ssh://mac?remote-program=/a", "ssh://mac?remote-program=/b", "remote-program"],
  ])("are an error with %s", (_, first, second, difference) => {
    const { lines, machines, errors } = read(`${first}\n\n  ${second}`);
    expect(lines).toHaveLength(1);
    expect(machines).toMatchObject([{ name: "mac", alternatives: [] }]);
    expect(errors).toMatchObject([{ code: "DROVER_MACHINE_DUPLICATE", line: 3, column: 3 }]);
    expect(errors[0]?.message).toContain(`line 1 of machines already, with another ${difference}.`);
  });

  test("may connect alike in different words", () => {
    const { machines, errors } = read(
      [
        `ssh://mac?ssh-key=/a&compress=1&base64-ssh-public-host-key=${encodeURIComponent(hostKey)}`,
        `ssh-ng://mac?compress=true&priority=1 x /a 1 1 - - ${encode(`${key} another comment`)}`,
        "ssh-ng://mac?compress=yes y /a",
      ].join("\n"),
    );
    expect(errors).toEqual([]);
    expect(machines).toMatchObject([{ name: "mac", spec: { hostKey }, alternatives: [{}, {}] }]);
  });

  test("trust the key that any of them has, and only that", () => {
    const { machines, errors } = read(`mac\nmac x - 1 1 - - ${hostKey}\nmac y - 1 1 - - ${encode(otherKey)}\nmac z`);
    expect(codes(errors)).toEqual(["DROVER_MACHINE_DUPLICATE"]);
    expect(machines).toMatchObject([{ spec: { hostKey }, alternatives: [{ systems: ["x"] }, { systems: ["z"] }] }]);
  });

  test("that say the same twice add nothing", () => {
    const { lines, machines, errors, lints } = read("mac x,y - 2\nmac y,x - 2\nmac x - 2\nmac x - 2 1");
    expect(lines).toHaveLength(4);
    expect(errors).toEqual([]);
    expect(machines[0]?.alternatives).toMatchObject([{ systems: ["x"] }]);
    expect(lints.map(({ code, line }) => [code, line])).toEqual([
      ["DROVER_MACHINE_REPEATED", 2],
      ["DROVER_MACHINE_REPEATED", 4],
    ]);
  });

  test("are bounded, so that a machine can be stored", () => {
    const many = Array.from({ length: 150 }, (_, index) => `mac x${index}`).join("\n");
    expect(read(many).machines[0]?.alternatives).toHaveLength(99);
    expect(codes(read(many).errors)).toEqual(Array.from({ length: 50 }, () => "DROVER_MACHINE_TOO_LONG"));
    expect(codes(read(`mac ${"x,".repeat(60_000)}`).errors)).toEqual(["DROVER_MACHINE_TOO_LONG"]);
  });
});

describe("one host under two names", () => {
  test.each([
    ["by its host key", `a - - 1 1 - - ${hostKey}\nb - - 1 1 - - ${encode(`${otherKey}\nb ${key}`)}`],
    ["by its address", "mac\nnix@MAC"],
  ])("is two machines, and seen %s", (_, text) => {
    const { machines, errors, lints } = read(text);
    expect(errors).toEqual([]);
    expect(machines).toHaveLength(2);
    expect(lints).toMatchObject([{ code: "DROVER_MACHINE_SAME_HOST", line: 2 }]);
    expect(lints[0]?.message).toMatch(/If they are one machine, its slots add up/);
  });

  test("is not seen where ports differ", () => {
    expect(codes(read("mac\nmac:2222").lints)).toEqual(["DROVER_OLDER_NIX_PORT"]);
  });
});

describe("host keys of lines", () => {
  test.each([
    ["a raw key", key],
    ["a raw key without its type", key.replace("ssh-ed25519 ", "")],
    ["base 64 of something else", encode("hello")],
    ["a known_hosts line", encode(`mac ${key}`)],
    ["no base 64 at all", "SHA256:abc-def_ghi"],
  ])("refuse the line when one is %s, with a remedy", (_, field) => {
    const { lines, errors, lints } = read(`mac x86_64-linux - 1 1 - - ${field}`);
    expect(lines).toEqual([]);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ line: 1, column: 28, code: expect.stringMatching(/HOST_KEY/) });
    expect(errors[0]?.remedy).toMatch(/base64|[Ee]ncode/);
    expect(lints).toEqual([]);
  });

  test("refuse the line when only the address carries one, and it is none", () => {
    const { lines, errors } = read("ssh://nix?base64-ssh-public-host-key=aGVsbG8");
    expect(lines).toEqual([]);
    expect(codes(errors)).toEqual(["DROVER_HOST_KEY"]);
  });

  test("are those of the machine also where only the address carries them", () => {
    const { lines, machines } = read(`ssh://mac?base64-ssh-public-host-key=${encodeURIComponent(hostKey)}`);
    expect(lines[0]?.spec.hostKey).toBeNull();
    expect(machines[0]?.spec.hostKey).toBe(hostKey);
  });

  test("may be several", () => {
    const field = encode(`${key}\nmac,10.0.0.1 ${otherKey}\n`);
    const { machines, errors, lints } = read(`mac - - 1 1 - - ${field}`);
    expect([...errors, ...lints]).toEqual([]);
    expect(machines[0]?.spec.hostKey).toBe(field);
  });

  test.each([
    ["a name", "mac2", false],
    ["the machine's name", "MAC", true],
    ["a pattern", "m?c*", true],
    ["a pattern with an exception", "*,!mac", false],
    ["an address with its port", "[mac]:2222", true],
    ["the host that the alias stands for", "mac.example.org", true],
    // As ssh-keygen -H has written "mac".
    ["a hashed name", "|1|MYX/2MdpYpK/Tnnxqo4XPJBLJWE=|QUPXigcJO1Dh7+M8+bjo73qEhm0=", true],
    ["a hashed other name", "|1|MYX/2MdpYpK/Tnnxqo4XPJBLJWE=|AAAAigcJO1Dh7+M8+bjo73qEhm0=", false],
  ])("behind %s count for that host only", (_, hosts, counts) => {
    const route = { host: "mac.example.org", port: 22, user: null, identityFile: null, identityAgent: null, jumps: [] };
    const field = encode(`${key}\n${hosts} ${otherKey}\n`);
    const { machines, errors, lints } = read(`mac:2222 - - 1 1 - - ${field}`, { "mac:2222": route });
    expect(errors).toEqual([]);
    expect(machines[0]?.spec.hostKey).toBe(counts ? field : encode(`${key}\n`));
    expect(codes(lints)).toEqual(["DROVER_OLDER_NIX_PORT", ...(counts ? [] : ["DROVER_HOST_KEY_OTHER_HOST"])]);
  });
});

describe("texts of any kind", () => {
  test("never make it throw, and it reports places that are in them", () => {
    const word = fc.oneof(
      fc.constantFrom("mac", "ssh://a@b:1", "ssh-ng://x", "-", "8", "0.5", "kvm,", hostKey, "@f", "local", "#", ";"),
      fc.string(),
    );
    const line = fc.array(word, { maxLength: 10 }).map((words) => words.join(" "));
    fc.assert(
      fc.property(
        fc.array(line).map((lines) => lines.join("\n")),
        (text) => {
          const { lines, machines, errors, lints } = read(text);
          expect(new Set(lines.map(({ name }) => name))).toEqual(new Set(machines.map(({ name }) => name)));
          expect(machines.map(({ position }) => position)).toEqual([...machines.keys()]);
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

  test("of 5000 lines with host keys are read to their end", () => {
    const lines = Array.from({ length: 5000 }, (_, index) => {
      const bytes = Buffer.from("\0\0\0\u000bssh-ed25519\0\0\0\u0020".padEnd(51, `key ${index} `), "latin1");
      const field = encode(`ssh-ed25519 ${bytes.toString("base64")} root@builder\n`);
      return `ssh://nix@builder-${index}.example.org x86_64-linux,i686-linux /root/.ssh/id 8 2 kvm,big-parallel - ${field}`;
    });
    const text = lines.join("\n");
    expect(read(text)).toMatchObject({ lines: { length: 5000 }, machines: { length: 5000 }, errors: [], lints: [] });
  });

  test("with more entries than any fleet has are not read to their end", () => {
    const { lines, errors } = read("a\n".repeat(100_000));
    expect(lines).toHaveLength(20_000);
    expect(errors).toMatchObject([{ code: "DROVER_MACHINES_TOO_MANY", line: 20_001 }]);
  });

  test("give at most so many remarks as an answer can hold", () => {
    const { errors, lints } = read("a - - x\n".repeat(15_000));
    expect([errors.length, lints.length]).toEqual([10_001, 0]);
    expect(errors.at(-1)).toMatchObject({ code: "DROVER_MACHINES_MORE_REMARKS", line: 10_001 });
  });
});
