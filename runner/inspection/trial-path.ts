import type { BasicDerivation } from "../../nix/derivation/basic.ts";
import { derivationStorePath, outputPaths } from "../../nix/derivation/hash-modulo.ts";
import type { Derivation } from "../../nix/derivation/types.ts";
import { formatHash, sha256 } from "../../nix/hash.ts";
import { singleFileNar } from "../../nix/nar/write.ts";
import type { NewPath } from "../../nix/serve/add-to-store.ts";
import type { StorePath } from "../../nix/store-path.ts";

/** The name of the path that an inspection leaves in a machine's store, until its garbage collector takes it. */
const name = "drover-inspection";

const contents = "An inspection by Drover put this here to see whether the machine takes inputs. It may be deleted.\n";

const out = { path: "", hashAlgorithm: "", hash: "" };

function derivationWith(path: StorePath): Derivation {
  const builder = "/bin/sh";
  const script = `printf %s "$contents" > "$out"`;
  return {
    outputs: new Map([["out", { ...out, path }]]),
    inputDerivations: new Map(),
    inputSources: [],
    platform: "x86_64-linux",
    builder,
    arguments: ["-c", script],
    environment: new Map([
      ["builder", builder],
      ["contents", contents],
      ["name", name],
      ["out", path],
      ["system", "x86_64-linux"],
    ]),
  };
}

function noInputs(path: StorePath): never {
  throw new Error(`${path} is not an input of ${name}`);
}

const path = outputPaths(derivationWith(""), name, noInputs).get("out") ?? "";
const derivation = derivationWith(path);
const nar = singleFileNar(Buffer.from(contents));

/** The same path on all machines: input-addressed and without a signature, as inputs of builds are. */
export const trialPath: StorePath = path;

/** Its derivation, which nobody has to build where the path is valid. The machine's systems do not matter then. */
export const trialDerivation: { readonly path: StorePath; readonly basic: BasicDerivation } = {
  path: derivationStorePath(derivation, name),
  basic: derivation,
};

/** The path itself, to be sent. */
export function trialUpload(): NewPath {
  const narHash = formatHash({ algorithm: "sha256", bytes: sha256(nar) }, "nix32");
  return {
    info: { path: trialPath, narHash, narSize: nar.length, references: [], signatures: [] },
    nar: chunksOf(nar),
  };
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
