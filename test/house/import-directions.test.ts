import { describe, expect, it } from "vitest";
import { rooms, sourceFiles, type Room } from "./source-files.ts";

/** What each room may import of ours: whole rooms, or folders of them (ARCHITECTURE.md, "Rooms"). */
const mayImport: Record<Room, readonly string[]> = {
  nix: ["nix"],
  fleet: ["fleet", "nix"],
  cloud: ["cloud", "fleet", "nix"],
  lambdas: ["lambdas", "cloud", "fleet", "nix"],
  runner: ["runner", "cloud", "fleet", "nix"],
  cli: ["cli", "nix", "lambdas/api/schema"],
  infra: ["infra", "cloud/topology", "nix"],
  local: rooms.filter((room) => !["demo", "test", "bench"].includes(room)),
  demo: rooms,
  test: rooms,
  bench: rooms,
  scripts: rooms,
};

/** Files of a room that compose, as `handler.ts` does elsewhere, and therefore import what the rest of it may not. */
const composing: Readonly<Record<string, readonly string[]>> = {
  // Writes the first admin token with AWS credentials, before there is any token with which the API would let one in.
  "infra/first-token.ts": ["cloud", "fleet"],
};

/** What the pure rooms may take from elsewhere: computing and waiting, not doing. */
const pureModules = new Set([
  "zod",
  "node:timers/promises",
  "node:crypto",
  "node:stream",
  "node:zlib",
  "node:events",
  "node:util",
  "node:buffer",
]);

const files = sourceFiles();

describe("the house", () => {
  it("has files in every room that the directions name", () => {
    for (const room of ["nix", "fleet", "cloud", "lambdas", "runner", "local", "cli", "infra"]) {
      expect(files.filter((file) => file.room === room).length, room).toBeGreaterThan(2);
    }
  });

  it("imports only in the allowed directions", () => {
    const wrong = files.flatMap(({ path, room, imports }) =>
      imports
        .filter((target) => rooms.some((other) => target.startsWith(`${other}/`)))
        .filter(
          (target) =>
            ![...mayImport[room], ...(composing[path] ?? [])].some((allowed) => target.startsWith(`${allowed}/`)),
        )
        .map((target) => `${path} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it("keeps nix/ and fleet/ pure", () => {
    const wrong = files
      .filter(({ room }) => room === "nix" || room === "fleet")
      .flatMap(({ path, imports }) =>
        imports
          .filter((target) => !target.endsWith(".ts") && !pureModules.has(target))
          .map((target) => `${path} imports ${target}`),
      );
    expect(wrong).toEqual([]);
  });

  it("lets no function of lambdas/ know another one's work", () => {
    const shared = new Set(["observability", "batches"]);
    const folderOf = (path: string) => path.split("/")[1] ?? "";
    const wrong = files
      .filter(({ room }) => room === "lambdas")
      .flatMap(({ path, imports }) =>
        imports
          .filter((target) => target.startsWith("lambdas/"))
          .filter((target) => folderOf(target) !== folderOf(path) && !shared.has(folderOf(target)))
          .map((target) => `${path} imports ${target}`),
      );
    expect(wrong).toEqual([]);
  });
});

describe("the edges", () => {
  it("are the only places that read the environment", () => {
    const edges =
      /^(lambdas\/[^/]+\/handler\.ts|runner\/main\.ts|local\/up\.ts|infra\/app\.ts|cli\/|demo\/|bench\/|test\/|scripts\/)/;
    const wrong = files
      .filter(({ path, text }) => !edges.test(path) && text.includes("process.env"))
      .map(({ path }) => path);
    expect(wrong).toEqual([]);
  });

  it("are the only places that connect the parts", () => {
    const composers = /^(lambdas\/[^/]+\/handler\.ts|runner\/main\.ts|local\/|cloud\/|test\/|bench\/)/;
    const wrong = files
      .filter(({ path, imports }) => imports.includes("cloud/connect.ts") && !composers.test(path))
      .map(({ path }) => path);
    expect(wrong).toEqual([]);
  });
});

describe("the names", () => {
  it("say what happens in a folder or file", () => {
    const vague = /(^|\/)(utils?|helpers?|common|misc|managers?)(\/|\.|-)/;
    expect(files.map(({ path }) => path).filter((path) => vague.test(path))).toEqual([]);
  });

  it("belong to files of one idea", () => {
    const long = files
      .filter(({ room }) => room !== "test")
      .filter(({ text }) => text.split("\n").length > 250)
      .map(({ path, text }) => `${path}: ${text.split("\n").length} lines`);
    expect(long).toEqual([]);
  });
});
