import { DroverError } from "../drover-error.ts";

/**
 * The only store directory Drover serves. It is part of every path's digest, so machines with another one share
 * nothing with us.
 */
export const STORE_DIRECTORY = "/nix/store";

/** A full store path, `/nix/store/<32 characters of Nix base 32>-<name>`: one component, nothing behind it. */
export type StorePath = string;

const hashLength = 32;
const hashPattern = /^[0-9a-df-np-sv-z]{32}-/;
const maximumNameLength = 211;
const prefix = `${STORE_DIRECTORY}/`;

/**
 * Splits a full store path. Canonical form only: no trailing slash, no path inside the store object.
 *
 * @throws DROVER_STORE_PATH
 */
export function parseStorePath(text: string): { hash: string; name: string } {
  const problem = storePathProblem(text);
  if (problem !== undefined) throw invalidPath(text, problem);
  return { hash: storePathHash(text), name: storePathName(text) };
}

export function isStorePath(text: string): boolean {
  return storePathProblem(text) === undefined;
}

/** The 32 characters that name the object in a binary cache. `path` must be a store path. */
export function storePathHash(path: StorePath): string {
  return path.slice(prefix.length, prefix.length + hashLength);
}

/** What follows the hash and its dash. `path` must be a store path. */
export function storePathName(path: StorePath): string {
  return path.slice(prefix.length + hashLength + 1);
}

/** `<hash>-<name>`, as narinfo files write references. `path` must be a store path. */
export function storePathBase(path: StorePath): string {
  return path.slice(prefix.length);
}

/** @throws DROVER_STORE_PATH */
export function fromBaseName(base: string): StorePath {
  const path = prefix + base;
  const problem = storePathProblem(path);
  if (problem !== undefined) throw invalidPath(base, problem);
  return path;
}

/**
 * Nix's rule for names (libstore/path.cc `checkName`, 2.24 and later): 1 to 211 characters of `[0-9a-zA-Z+._?=-]`,
 * and neither `.` nor `..` as the part before the first dash.
 *
 * @throws DROVER_STORE_PATH
 */
export function checkStorePathName(name: string): void {
  const problem = nameProblem(name);
  if (problem !== undefined) throw invalidPath(name, problem);
}

function storePathProblem(path: string): string | undefined {
  if (!path.startsWith(prefix)) return `it is not in ${STORE_DIRECTORY}`;
  const base = path.slice(prefix.length);
  if (!hashPattern.test(base)) return "it does not start with 32 characters of Nix base 32 and a dash";
  return nameProblem(base.slice(hashLength + 1));
}

function nameProblem(name: string): string | undefined {
  if (name === "") return "its name is empty";
  if (name.length > maximumNameLength) return `its name is longer than ${maximumNameLength} characters`;
  if (/^\.\.?(-|$)/.test(name)) return "its name starts with the component '.' or '..'";
  const illegal = name.search(/[^0-9a-zA-Z+._?=-]/);
  if (illegal >= 0) return `its name has the illegal character ${JSON.stringify(name[illegal])}`;
  return undefined;
}

function invalidPath(text: string, problem: string): DroverError {
  const shown = text.length > 300 ? `${text.slice(0, 300)}…` : text;
  return new DroverError("DROVER_STORE_PATH", `'${shown}' is not a store path: ${problem}.`, {
    subject: shown,
    remedy: `Give a path as Nix prints it: ${STORE_DIRECTORY}/<hash>-<name>.`,
  });
}
