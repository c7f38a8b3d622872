import * as fc from "fast-check";
import type { Derivation, DerivationOutput, DynamicInput } from "../../../nix/derivation/types.ts";

/** Strings of any bytes, with those that need escapes made frequent. */
const byteStrings = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(...Buffer.from('"\\\n\r\tnrt'))), { maxLength: 20 })
  .map((bytes) => Buffer.from(bytes).toString("latin1"));

const names = fc.stringMatching(/^[0-9a-zA-Z+_?=-][0-9a-zA-Z+._?=-]{0,20}$/);
export const storePaths = fc
  .tuple(fc.stringMatching(/^[0-9a-df-np-sv-z]{32}$/), names)
  .map(([hash, name]) => `/nix/store/${hash}-${name}`);

const outputs: fc.Arbitrary<DerivationOutput> = fc.oneof(
  storePaths.map((path) => ({ path, hashAlgorithm: "", hash: "" })),
  storePaths.map((path) => ({ path, hashAlgorithm: "r:sha256", hash: "0".repeat(64) })),
  fc.constantFrom(
    { path: "", hashAlgorithm: "", hash: "" },
    { path: "", hashAlgorithm: "text:sha256", hash: "" },
    { path: "", hashAlgorithm: "sha1", hash: "impure" },
  ),
);

const sets = (element: fc.Arbitrary<string>, minLength = 0) =>
  fc.uniqueArray(element, { minLength, maxLength: 4 }).map((list) => list.toSorted());

const maps = <T>(key: fc.Arbitrary<string>, value: fc.Arbitrary<T>, minLength = 0): fc.Arbitrary<Map<string, T>> =>
  fc
    .uniqueArray(fc.tuple(key, value), { selector: ([key]) => key, minLength, maxLength: 4 })
    .map((entries) => new Map(entries.toSorted(([left], [right]) => (left < right ? -1 : 1))));

const { input } = fc.letrec<{ input: DynamicInput; leaf: DynamicInput }>((tie) => ({
  leaf: fc.record({ outputs: sets(byteStrings, 1), dynamic: fc.constant(new Map<string, DynamicInput>()) }),
  input: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    tie("leaf"),
    fc.record({ outputs: sets(byteStrings), dynamic: maps(byteStrings, tie("input"), 1) }),
  ),
}));

const common = {
  outputs: maps(names, outputs),
  inputSources: sets(storePaths),
  platform: byteStrings,
  builder: byteStrings,
  arguments: fc.array(byteStrings, { maxLength: 4 }),
  environment: maps(byteStrings, byteStrings),
};

/** Derivations in the shape and order in which they are parsed. */
export const derivations: fc.Arbitrary<Derivation> = fc.oneof(
  fc.record({ ...common, inputDerivations: maps(storePaths, sets(byteStrings, 1)) }),
  fc.tuple(fc.record(common), maps(storePaths, input)).map(withDynamicInputs),
);

type Common = Omit<Derivation, "version" | "inputDerivations" | "dynamicInputs">;

function withDynamicInputs([rest, inputs]: [Common, Map<string, DynamicInput>]): Derivation {
  const dynamic = [...inputs].filter(([, input]) => input.dynamic.size > 0);
  const dynamicInputs = new Map(dynamic.map(([path, input]) => [path, input.dynamic]));
  return {
    version: "xp-dyn-drv",
    ...rest,
    inputDerivations: new Map([...inputs].map(([path, input]) => [path, input.outputs])),
    ...(dynamicInputs.size === 0 ? {} : { dynamicInputs }),
  };
}
