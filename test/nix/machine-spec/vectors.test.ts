import { describe, expect, test } from "vitest";
import { parseMachines } from "../../../nix/machine-spec/parse.ts";
import type { MachineSpec } from "../../../nix/machine-spec/types.ts";

const local = "x86_64-linux";
const parse = (text: string) => parseMachines(text, { defaultSystem: local });

const machine = (uri: string, changes: Partial<MachineSpec> = {}): MachineSpec => ({
  uri,
  systems: [local],
  sshKey: null,
  maxJobs: 1,
  speedFactor: 1,
  supportedFeatures: [],
  mandatoryFeatures: [],
  hostKey: null,
  ...changes,
});
const [a, b] = [machine("ssh://a"), machine("ssh://b")];

/** The numbers are those of Nix's behaviour as collected from 2.8 (run) and 2.36 (source and its own tests). */
describe("what Nix accepts", () => {
  test.each<[string, string, MachineSpec[]]>([
    ["1 nothing", "", []],
    ["2 a bare host", "mac", [machine("ssh://mac")]],
    ["3 a URI and a system", "ssh://mac x86_64-darwin", [machine("ssh://mac", { systems: ["x86_64-darwin"] })]],
    ["4 ssh-ng", "ssh-ng://mac", [machine("ssh-ng://mac")]],
    [
      "5 seven fields",
      "nix@mac i686-linux,x86_64-linux /k 8 2 kvm benchmark",
      [
        machine("ssh://nix@mac", {
          systems: ["i686-linux", "x86_64-linux"],
          sshKey: "/k",
          maxJobs: 8,
          speedFactor: 2,
          supportedFeatures: ["kvm"],
          mandatoryFeatures: ["benchmark"],
        }),
      ],
    ],
    ["6 a semicolon between blanks", "a ; b", [a, b]],
    ["6 a semicolon", "a;b", [a, b]],
    ["6 a line feed", "a\nb", [a, b]],
    ["7 two semicolons", "a ;; b", [a, b]],
    ["7 a leading semicolon", "; a", [a]],
    ["7 a trailing semicolon", "a ;", [a]],
    ["8 a blank entry", "a ; ; b", [a, b]],
    ["9 a line of blanks", "a\n   \nb", [a, b]],
    ["10 surrounding blanks", "  a  ", [a]],
    ["11 tabs", "\ta\t- \t-", [a]],
    ["12 a comment", "# only", []],
    ["13 an indented comment", "   # only", []],
    ["14 a comment at the end", "a # c", [a]],
    ["15 a comment with a semicolon", "a #c ; b", [a]],
    ["16 only a comment with a semicolon", "# c ; b", []],
    ["17 all fields unset", "a - - - - - - -", [a]],
    ["18 one field unset", "a -", [a]],
    ["19 no jobs", "a - - 0", [machine("ssh://a", { maxJobs: 0 })]],
    ["20 speed 0 means 1", "a - - 8 0", [machine("ssh://a", { maxJobs: 8 })]],
    ["21 a fractional speed", "a - - 8 1.5", [machine("ssh://a", { maxJobs: 8, speedFactor: 1.5 })]],
    ["25 a plus sign", "a - - +5", [machine("ssh://a", { maxJobs: 5 })]],
    ["25 a leading zero", "a - - 08", [machine("ssh://a", { maxJobs: 8 })]],
    ["26 the most jobs", "a - - 4294967295", [machine("ssh://a", { maxJobs: 4_294_967_295 })]],
    ["28 an empty list of systems", "a , - 1", [machine("ssh://a", { systems: [] })]],
    ["29 needless commas", "a ,x86_64-linux,", [a]],
    [
      "30 duplicates",
      "a x,x - 1 1 kvm,kvm,big big",
      [machine("ssh://a", { systems: ["x"], supportedFeatures: ["big", "kvm"], mandatoryFeatures: ["big"] })],
    ],
    ...["c3NoLWVkMjU1MTk=", "c3NoLWVk=MjU1", "c3N"].map((hostKey, index): [string, string, MachineSpec[]] => [
      `${33 + index} the host key ${hostKey}`,
      `a - - 1 1 k m ${hostKey}`,
      [machine("ssh://a", { supportedFeatures: ["k"], mandatoryFeatures: ["m"], hostKey })],
    ]),
    [
      "36 extra fields",
      "a - - 1 1 k m c3Nz extra words",
      [machine("ssh://a", { supportedFeatures: ["k"], mandatoryFeatures: ["m"], hostKey: "c3Nz" })],
    ],
    ["37 auto", "auto", [machine("auto")]],
    ["37 daemon", "daemon", [machine("daemon")]],
    ["37 local", "local", [machine("local")]],
    ["37 local with a parameter", "local?root=/x", [machine("local://?root=/x")]],
    ["37 only a parameter", "?root=/x", [machine("auto?root=/x")]],
    ["38 an absolute path", "/tmp/foo", [machine("local:///tmp/foo")]],
    ["38 a relative path", "./foo", [machine("local:///foo")]],
    ["38 a path with a slash", "foo/bar", [machine("local:///foo/bar")]],
    ["39 remote", "remote", [machine("ssh://remote")]],
    ["39 autobot", "autobot", [machine("ssh://autobot")]],
    ["41 a port", "host:2222", [machine("ssh://host:2222")]],
    ["42 bare IPv6", "root@::1", [machine("ssh://root@[::1]")]],
    ["43 a foreign scheme", "foo://bar", [machine("foo://bar")]],
    ["44 both keys", "ssh://mac?ssh-key=/uri - /field", [machine("ssh://mac?ssh-key=/uri", { sshKey: "/field" })]],
    ["45 max-connections", "ssh://mac?max-connections=4", [machine("ssh://mac?max-connections=4")]],
    ["46 an unknown parameter", "ssh://mac?bogus=1", [machine("ssh://mac?bogus=1")]],
    ["47 a remote store", "ssh://mac?remote-store=/a%20b", [machine("ssh://mac?remote-store=/a%20b")]],
    ["48 CRLF", "a\r\nb\r\n", [a, b]],
    [
      "58 comments, semicolons and lines",
      "# x ; y\ns ; i\n# z ; w\nc",
      [machine("ssh://s"), machine("ssh://i"), machine("ssh://c")],
    ],
    ["60 a feature called -", "mac - - 1 1 -,kvm", [machine("ssh://mac", { supportedFeatures: ["-", "kvm"] })]],
  ])("%s", (_, text, machines) => {
    expect(parse(text)).toMatchObject({ machines, errors: [] });
  });
});

describe("includes, which are the client's to read", () => {
  test.each([
    ["49 a missing file", "@/nonexistent", ["/nonexistent"], []],
    ["49 no file", "@", [""], []],
    ["49 a blank before the path", "@ /nonexistent", ["/nonexistent"], []],
    ["50 a blank before it", " @/nonexistent", ["/nonexistent"], []],
    ["50 behind a semicolon", "a ; @/nonexistent", ["/nonexistent"], [a]],
    ["51 a comment behind it", "@/f # c", ["/f"], []],
    ["51 an entry behind it", "@/f; b", ["/f"], [b]],
    ["52 two in an entry, which are one path", "@/f @/f", ["/f @/f"], []],
    ["53 a directory", "@/dir", ["/dir"], []],
    ["54 two in their order", "@/f1\n@/f2", ["/f1", "/f2"], []],
    ["55 the file itself", "@/self", ["/self"], []],
    ["56 a blank in the path", "@/a b", ["/a b"], []],
  ])("%s", (_, text, paths, others) => {
    const { machines, errors } = parse(text);
    expect(machines).toEqual(others);
    expect(errors.map(({ code, message }) => [code, message])).toEqual(
      paths.map((path) => ["DROVER_MACHINE_INCLUDE", `The included file '${path}' is not here.`]),
    );
  });
});

describe("what Nix refuses", () => {
  test.each([
    ["22 a negative speed", "a - - 8 -3", "DROVER_MACHINE_SPEED_FACTOR", 9],
    ["23 a speed in words", "a - - 8 three", "DROVER_MACHINE_SPEED_FACTOR", 9],
    ["24 negative jobs", "a - - -1", "DROVER_MACHINE_MAX_JOBS", 7],
    ["24 jobs in words", "a - - eight", "DROVER_MACHINE_MAX_JOBS", 7],
    ["24 jobs in base 16", "a - - 0x8", "DROVER_MACHINE_MAX_JOBS", 7],
    ["24 jobs with an exponent", "a - - 1e3", "DROVER_MACHINE_MAX_JOBS", 7],
    ["27 too many jobs", "a - - 4294967296", "DROVER_MACHINE_MAX_JOBS", 7],
    ["31 no address", "-", "DROVER_MACHINE_URI", 1],
    ["31 a system without address", "- x86_64-linux", "DROVER_MACHINE_URI", 1],
    ["32 a host key that is not base 64", "a - - 1 1 k m BAD_BASE64", "DROVER_MACHINE_HOST_KEY", 15],
    ["40 a colon for a scheme", "ssh:mac", "DROVER_MACHINE_URI", 1],
    ["57 a blank in the identity file's path", "a - key with", "DROVER_MACHINE_MAX_JOBS", 9],
    ["59 a raw host key", "mac x86_64-linux - 1 1 - - ssh-ed25519 AAAA", "DROVER_MACHINE_HOST_KEY", 28],
  ])("%s", (_, text, code, column) => {
    const { machines, errors } = parse(text);
    expect(machines).toEqual([]);
    expect(errors).toMatchObject([{ file: null, line: 1, column, code }]);
  });
});
