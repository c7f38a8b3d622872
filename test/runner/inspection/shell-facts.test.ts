import { existsSync } from "node:fs";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { factsCommand } from "../../../runner/inspection/facts-command.ts";
import { parseFacts } from "../../../runner/inspection/shell-facts.ts";
import { type Client, createClient } from "../../machines/client.ts";
import { temporaryDirectory } from "../../machines/temporary-directory.ts";

const mark = "drover-0123456789abcdef";
const here = { remoteProgram: ["nix-store"], remoteStore: null };
/** Users' own shells, as far as this machine has them; bash and sh are everywhere. */
const shells = ["sh", "bash", "dash", "zsh", "fish", "tcsh", "ksh"].filter(
  (shell) => existsSync(`/bin/${shell}`) || existsSync(`/usr/bin/${shell}`),
);

const opened = new AsyncDisposableStack();
let client: Client;

beforeAll(async () => {
  const { path } = opened.use(await temporaryDirectory());
  client = await createClient({ directory: path });
});

afterAll(() => opened.disposeAsync());

async function askHere(
  shell: string,
  machine: Parameters<typeof factsCommand>[0],
): Promise<ReturnType<typeof parseFacts>> {
  const { stdout } = await client.run(shell, ["-c", factsCommand(machine, mark)]);
  return parseFacts(stdout, mark, Date.now() / 1000);
}

describe("the command that collects what a shell can tell", () => {
  it.each(shells)("works where the user's shell is %s", async (shell) => {
    const facts = await askHere(shell, here);
    expect(facts).toMatchObject({
      program: expect.stringMatching(/\/nix-store$/),
      version: expect.stringMatching(/^\d+\.\d+/),
      storeDirectory: "/nix/store",
      disk: { path: expect.stringMatching(/^\//) },
    });
    expect(facts.settings.get("system")).toMatch(/-linux$/);
    expect(facts.disk?.size).toBeGreaterThan(facts.disk?.available ?? 0);
    expect(Math.abs(facts.clockAhead ?? 99)).toBeLessThan(3);
  });

  it.each(shells)("passes words through %s as they are", async (shell) => {
    const facts = await askHere(shell, { remoteProgram: ["/no such/it's $HOME/nix-store"], remoteStore: null });
    expect(facts).toMatchObject({ program: undefined, version: undefined });
    expect(facts.clockAhead).toBeDefined();
  });

  it("has nothing in it that a shell treats specially within single quotes", () => {
    const [, script = ""] = /^sh -c '(.*)' sh \S+ \S+ ''$/s.exec(factsCommand(here, mark)) ?? [];
    expect(script.length).toBeGreaterThan(100);
    expect(script).not.toMatch(/['\\!\n]/);
  });

  it.each([
    ["nix-store of a daemon's machine", ["/opt/nix/bin/nix-daemon"], "/opt/nix/bin/nix-store"],
    ["what follows sudo", ["sudo", "/opt/nix/bin/nix-store"], "/opt/nix/bin/nix-store"],
    ["any other program", ["/opt/wrapper"], "/opt/wrapper"],
  ])("looks beside %s", (_what, remoteProgram, program) => {
    expect(factsCommand({ remoteProgram, remoteStore: null }, mark)).toContain(` sh ${mark} ${program} `);
  });
});

describe("parseFacts", () => {
  it("finds its own lines behind noise, with and without a line break", () => {
    const text = [
      "Welcome!",
      `no line break${mark} begin`,
      `${mark} clock 1000`,
      `${mark} version nix-store (Lix, like Nix) 2.91.1`,
      `${mark} store-directory "/nix/store"`,
      `${mark} disk /nix/store`,
      "Filesystem     1024-blocks    Used Available Capacity Mounted on",
      "/dev/my disk        2000000 1500000    500000      75% /nix",
      `${mark} settings`,
      "system = aarch64-darwin",
      "extra-platforms = ",
      "warning: something",
      `${mark} end`,
      "Bye!",
    ].join("\r\n");
    expect(parseFacts(text, mark, 990)).toEqual({
      program: undefined,
      version: "2.91.1",
      storeDirectory: "/nix/store",
      settings: new Map([
        ["system", "aarch64-darwin"],
        ["extra-platforms", ""],
      ]),
      disk: { path: "/nix/store", size: 2_048_000_000, available: 512_000_000 },
      clockAhead: 10.5,
    });
  });

  it("counts an overdrawn disk as a full one", () => {
    const text = `${mark} disk /\n/dev/root 100 110 -10 110% /\n`;
    expect(parseFacts(text, mark, 0).disk).toEqual({ path: "/", size: 102_400, available: 0 });
  });

  it("knows nothing of what is not its own", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const { settings, ...facts } = parseFacts(text, mark, 0);
        expect(settings.size).toBe(0);
        expect(Object.values(facts).filter((fact) => fact !== undefined)).toEqual([]);
      }),
    );
  });
});
