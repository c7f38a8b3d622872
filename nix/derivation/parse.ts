import { type ByteString, byteStringOf } from "../byte-string.ts";
import { DroverError } from "../drover-error.ts";
import { type StorePath, checkStorePathName, parseStorePath } from "../store-path.ts";
import { Cursor } from "./cursor.ts";
import { outputKind } from "./output-kind.ts";
import type { Derivation, DerivationOutput, DynamicInput } from "./types.ts";

/** Far above any real derivation (NixOS systems reach some megabytes, in `__json`). */
export const MAXIMUM_DERIVATION_BYTES = 64 * 1024 * 1024;
/** Levels of derivations that produce derivations; Nix has no limit, real ones have one or two. */
const maximumDynamicDepth = 32;

/**
 * Reads a `.drv` file (ATerm; libstore/derivation/aterm.cc of Nix 2.36, which reads the files of all versions). As
 * strict as the newest Nix: store paths canonical, every input wanted for something, known version only, nothing
 * behind the end; beyond Nix, duplicates are refused. As lenient as Nix about order and needless escapes, so printing
 * gives back the same bytes for whatever Nix wrote, but not for every file this accepts: compare
 * `derivationStorePath` with the file's path to know that a file is what its path says.
 *
 * @param path only for error messages
 * @throws DROVER_DERIVATION_SYNTAX with `details.offset` in bytes
 */
export function parseDerivation(bytes: Uint8Array, path?: StorePath): Derivation {
  if (bytes.length > MAXIMUM_DERIVATION_BYTES) {
    const cursor = new Cursor("", path);
    throw cursor.fail(
      MAXIMUM_DERIVATION_BYTES,
      `it has ${bytes.length} bytes, the limit is ${MAXIMUM_DERIVATION_BYTES}`,
    );
  }
  const cursor = new Cursor(byteStringOf(bytes), path);
  const version = parseVersion(cursor);
  const outputs = parseOutputs(cursor);
  cursor.expect(",");
  const inputs = parseInputDerivations(cursor, version !== undefined);
  cursor.expect(",");
  const inputSources = parseSet(cursor, storePath);
  cursor.expect(",");
  const platform = cursor.string();
  cursor.expect(",");
  const builder = cursor.string();
  cursor.expect(",");
  const builderArguments: ByteString[] = [];
  cursor.list(() => builderArguments.push(cursor.string()));
  cursor.expect(",");
  const environment = parseEnvironment(cursor);
  cursor.expect(")");
  cursor.expectEnd();
  return { ...version, outputs, ...inputs, inputSources, platform, builder, arguments: builderArguments, environment };
}

function parseVersion(cursor: Cursor): { version: "xp-dyn-drv" } | undefined {
  if (cursor.at("Derive(")) {
    cursor.expect("Derive(");
    return undefined;
  }
  if (!cursor.at("DrvWithVersion(")) throw cursor.unexpected("'Derive(' or 'DrvWithVersion('");
  cursor.expect("DrvWithVersion(");
  const offset = cursor.offset;
  const version = cursor.string();
  if (version !== "xp-dyn-drv") throw cursor.fail(offset, `the version ${JSON.stringify(version)} is unknown`);
  cursor.expect(",");
  return { version };
}

function parseOutputs(cursor: Cursor): Map<string, DerivationOutput> {
  const outputs = new Map<string, DerivationOutput>();
  cursor.list(() => {
    const offset = cursor.offset;
    cursor.expect("(");
    const name = parseKey(cursor, outputs, checkStorePathName);
    cursor.expect(",");
    const path = cursor.at('""') ? cursor.string() : storePath(cursor);
    cursor.expect(",");
    const hashAlgorithm = cursor.string();
    cursor.expect(",");
    const hash = cursor.string();
    cursor.expect(")");
    const output = { path, hashAlgorithm, hash };
    locate(cursor, offset, () => outputKind(output));
    outputs.set(name, output);
  });
  return outputs;
}

function parseInputDerivations(
  cursor: Cursor,
  allowDynamic: boolean,
): Pick<Derivation, "inputDerivations" | "dynamicInputs"> {
  const inputDerivations = new Map<StorePath, readonly string[]>();
  const dynamicInputs = new Map<StorePath, ReadonlyMap<string, DynamicInput>>();
  cursor.list(() => {
    cursor.expect("(");
    const path = parseKey(cursor, inputDerivations, parseStorePath);
    cursor.expect(",");
    const { outputs, dynamic } = parseInput(cursor, allowDynamic ? maximumDynamicDepth : 0);
    cursor.expect(")");
    inputDerivations.set(path, outputs);
    if (dynamic.size > 0) dynamicInputs.set(path, dynamic);
  });
  return dynamicInputs.size > 0 ? { inputDerivations, dynamicInputs } : { inputDerivations };
}

/** `["out"]`, or with dynamic derivations `(["out"],[("out",…)])`. */
function parseInput(cursor: Cursor, depth: number): DynamicInput {
  const offset = cursor.offset;
  const dynamic = new Map<string, DynamicInput>();
  const nested = depth > 0 && cursor.at("(");
  if (nested) cursor.expect("(");
  const outputs = parseSet(cursor, (cursor) => cursor.string());
  if (nested) {
    cursor.expect(",");
    cursor.list(() => {
      cursor.expect("(");
      const name = parseKey(cursor, dynamic);
      cursor.expect(",");
      dynamic.set(name, parseInput(cursor, depth - 1));
      cursor.expect(")");
    });
    cursor.expect(")");
  }
  if (outputs.length === 0 && dynamic.size === 0) throw cursor.fail(offset, "no output of this input is wanted");
  return { outputs, dynamic };
}

function parseEnvironment(cursor: Cursor): Map<ByteString, ByteString> {
  const environment = new Map<ByteString, ByteString>();
  cursor.list(() => {
    cursor.expect("(");
    const name = parseKey(cursor, environment);
    cursor.expect(",");
    environment.set(name, cursor.string());
    cursor.expect(")");
  });
  return environment;
}

function parseSet(cursor: Cursor, element: (cursor: Cursor) => string): string[] {
  const elements = new Set<string>();
  cursor.list(() => {
    const offset = cursor.offset;
    const value = element(cursor);
    if (elements.has(value)) throw cursor.fail(offset, `${JSON.stringify(value)} is listed twice`);
    elements.add(value);
  });
  return [...elements];
}

/** The first string of a tuple: unlike any before it, and accepted by `check`. */
function parseKey(
  cursor: Cursor,
  seen: ReadonlyMap<string, unknown>,
  check: (key: string) => unknown = () => {},
): string {
  const offset = cursor.offset;
  const key = cursor.string();
  if (seen.has(key)) throw cursor.fail(offset, `${JSON.stringify(key)} is listed twice`);
  locate(cursor, offset, () => check(key));
  return key;
}

function storePath(cursor: Cursor): StorePath {
  const offset = cursor.offset;
  const path = cursor.string();
  locate(cursor, offset, () => parseStorePath(path));
  return path;
}

/** Runs a check that knows nothing of the file, and says where in the file it failed. */
function locate(cursor: Cursor, offset: number, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof DroverError)) throw error;
    throw cursor.fail(offset, error.message.replace(/\.$/, ""), {}, error);
  }
}
