import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { machineConnection } from "../../../nix/machine-spec/connection.ts";
import { decodeHostKeys } from "../../../nix/machine-spec/host-key.ts";
import { parseMachines } from "../../../nix/machine-spec/parse.ts";
import { printMachine } from "../../../nix/machine-spec/print.ts";
import type { MachineSpec } from "../../../nix/machine-spec/types.ts";
import { machines } from "./arbitrary.ts";
import { BuildHook, type ListedMachine } from "./build-hook.ts";
import { mutatedLines, realLines } from "./mutated-lines.ts";

const parse = (text: string) => parseMachines(text, { defaultSystem: "x86_64-linux" });
const listed = ({ systems, maxJobs, supportedFeatures, mandatoryFeatures }: MachineSpec): ListedMachine => ({
  systems,
  maxJobs,
  supportedFeatures,
  mandatoryFeatures,
});

/** Starting real processes takes its time where others work, too. */
const timeout = 120_000;

let hook: BuildHook;
beforeAll(async () => {
  hook = await BuildHook.create();
});
afterAll(async () => await hook[Symbol.asyncDispose]());

/** Lints for what 2.8, which is installed here, reads differently, or not at all. */
const olderSplitting = /^DROVER_OLDER_NIX_(BLANK_ENTRY|COMMENT|INCLUDE|SPEED_FACTOR)$/;

describe("real Nix", () => {
  test.each(realLines)("reads %j to the same machines, or it is told of", { timeout }, async (text) => {
    const { machines, errors, lints } = parse(text);
    const real = await hook.list(text);
    const isToldOf = errors.length > 0 || lints.some(({ code }) => olderSplitting.test(code));
    expect(isToldOf ? "told of" : real).toEqual(isToldOf ? "told of" : machines.map(listed));
  });

  test("reads any text without errors and lints for older versions to the same machines", { timeout }, async () => {
    // Zero bytes and lone surrogates do not reach Nix as they are.
    const texts = mutatedLines.map((text) => text.replaceAll("\u0000", "").toWellFormed());
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        const { machines, errors, lints } = parse(text);
        const real = await hook.list(text);
        if (errors.length > 0 || lints.some(({ code }) => olderSplitting.test(code))) return;
        expect(real).toEqual(machines.map(listed));
      }),
      { numRuns: 60 },
    );
  });

  test("reads printed machines to the same machines", { timeout }, async () => {
    // Fractions are for 2.20 and later.
    const whole = machines.map((machine) => ({ ...machine, speedFactor: Math.ceil(machine.speedFactor) % 1000 || 1 }));
    await fc.assert(
      fc.asyncProperty(fc.array(whole, { minLength: 1, maxLength: 20 }), async (list) => {
        expect(await hook.list(list.map(printMachine).join("\n"))).toEqual(list.map(listed));
      }),
      { numRuns: 25 },
    );
  });

  test.each([
    ["mac x - 1"],
    ["nix@mac x /k"],
    ["ssh-ng://nix@mac x /k 4 2 kvm"],
    ["ssh://mac?compress=true&ssh-key=/uri x"],
    ["ssh://mac?ssh-key=/uri x /field"],
    ["root@::1 x /k"],
    ["ssh://[::1] x"],
    ["ssh://nix@mac?remote-store=/a%20b x"],
    ["ssh://mac?remote-program=/opt/nix-store x - 1 1 -,kvm - c3NoLWVkMjU1MTkgQUFBQQo="],
    ["ssh://mac?base64-ssh-public-host-key=c3NoLWVkMjU1MTkgQUFBQQo%3D x"],
  ])("connects for what is printed of '%s' as for itself, and as Drover understands it", { timeout }, async (text) => {
    const [spec] = parse(text).machines;
    if (spec === undefined) throw new Error("it is not read");
    const [itself, printed] = [await hook.connect(text, "x", []), await hook.connect(printMachine(spec), "x", [])];
    const { address, sshKey, hostKey, compress } = machineConnection(spec);
    const call = itself?.arguments.map((word) => word.replace(/=.*\/host-key$/, "=hosts"));
    expect(printed?.arguments.map((word) => word.replace(/=.*\/host-key$/, "=hosts"))).toEqual(call);
    expect(printed?.knownHosts).toBe(itself?.knownHosts);
    expect(call?.[0]).toBe(`${address.user === null ? "" : `${address.user}@`}${address.host}`);
    expect(call?.includes("-C")).toBe(compress);
    expect(call?.[call.indexOf("-i") + 1]).toBe(sshKey ?? call?.[0]);
    const key = hostKey === null ? "" : Buffer.from(hostKey, "base64").toString().trim();
    expect(itself?.knownHosts.trim()).toBe(key === "" ? "" : `${address.host} ${key}`);
  });

  test("gives ssh a known_hosts file with all keys of a machine", { timeout }, async () => {
    const blob = "AAAAC3NzaC1lZDI1NTE5AAAAINB9ubdHQPtaXz7UiEfhYT6P8M7sWfbPcauuXTjnG5r8";
    const field = Buffer.from(`ssh-ed25519 ${blob} one\nmac ssh-ed25519 ${blob} two\n`).toString("base64");
    expect(decodeHostKeys(field).map(({ comment }) => comment)).toEqual(["one", "two"]);
    const call = await hook.connect(`nix@mac x - 1 1 - - ${field}`, "x", []);
    expect(call?.knownHosts.trim().split("\n")).toEqual([`mac ssh-ed25519 ${blob} one`, `mac ssh-ed25519 ${blob} two`]);
  });

  test("builds on the faster one of printed machines, and on the first of equal ones", { timeout }, async () => {
    const { machines } = parse("slow x - 1 1\nfast x - 1 3\nequal x - 1 3\n");
    const call = await hook.connect(machines.map(printMachine).join("\n"), "x", []);
    expect(call?.arguments[0]).toBe("fast");
  });
});
