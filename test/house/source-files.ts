import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The first folder of a path decides whose house rules it lives by. */
export const rooms = [
  "nix",
  "fleet",
  "cloud",
  "lambdas",
  "runner",
  "local",
  "cli",
  "infra",
  "demo",
  "test",
  "bench",
  "scripts",
] as const;
export type Room = (typeof rooms)[number];

export interface SourceFile {
  /** Relative to the repository. */
  readonly path: string;
  readonly room: Room;
  readonly text: string;
  /** What it imports: paths relative to the repository for our own files, names for packages and `node:` modules. */
  readonly imports: readonly string[];
}

/** Every TypeScript file of the repository. */
export function sourceFiles(): SourceFile[] {
  return rooms.flatMap((room) =>
    globSync(`${room}/**/*.ts`, { cwd: root }).map((path) => {
      const text = readFileSync(join(root, path), "utf8");
      return { path, room, text, imports: importsOf(path, text) };
    }),
  );
}

/** Static, dynamic and type imports alike: a type is knowledge, too. */
function importsOf(path: string, text: string): string[] {
  const specifiers = [...text.matchAll(/(?:\bfrom\s+|\bimport\s+|\bimport\s*\(\s*)["']([^"'\n]+)["']/g)].map(
    ([, specifier = ""]) => specifier,
  );
  return specifiers.map((specifier) =>
    specifier.startsWith(".") ? normalize(join(dirname(path), specifier)) : specifier,
  );
}
