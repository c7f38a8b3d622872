import { createHash } from "node:crypto";
import { formatHash } from "../../../nix/hash.ts";
import { writeNar } from "../../../nix/nar/write.ts";
import { formatContentAddress, type StorePath, textStorePath } from "../../../nix/store-path.ts";
import type { PathDescription } from "../../../lambdas/api/schema/store.ts";
import type { Deployment } from "./deployment.ts";

/** A text object of the store, such as a derivation is, with its NAR. */
export interface TextObject {
  readonly description: PathDescription;
  readonly nar: Uint8Array;
}

const sha256 = (data: Uint8Array): Uint8Array => createHash("sha256").update(data).digest();

export async function textObject(
  name: string,
  content: string,
  references: readonly StorePath[] = [],
): Promise<TextObject> {
  const bytes = Buffer.from(content);
  const contents = (async function* () {
    yield bytes;
  })();
  const pieces: Uint8Array[] = [];
  const events = [{ type: "regular" as const, executable: false, size: bytes.length, contents }];
  for await (const piece of writeNar(events)) pieces.push(piece);
  const nar = Buffer.concat(pieces);
  return {
    nar,
    description: {
      storePath: textStorePath(name, bytes, references),
      narHash: formatHash({ algorithm: "sha256", bytes: sha256(nar) }, "nix32"),
      narSize: nar.length,
      references: [...references],
      ca: formatContentAddress({ method: "text", hash: { algorithm: "sha256", bytes: sha256(bytes) } }),
      signatures: [],
    },
  };
}

/** Uploads objects as a client does: asks where to, sends, registers. */
export async function upload({ api }: Deployment, objects: readonly TextObject[]): Promise<void> {
  const body = { paths: objects.map(({ description }) => description) };
  const { uploads } = Object(await api.json("signUploads", { body }));
  for (const { storePath, request } of uploads) {
    const object = objects.find(({ description }) => description.storePath === storePath);
    if (object === undefined) throw new Error(`${storePath} was not asked for`);
    const { method, url, headers } = request;
    const response = await fetch(url, { method, headers, body: Buffer.from(object.nar) });
    if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  }
  await api.json("registerPaths", { body });
}

/** Uploads derivations that are none, which is all the same to the API. @returns their paths */
export async function uploadDerivations(deployment: Deployment, ...names: string[]): Promise<StorePath[]> {
  const objects = await Promise.all(names.map((name) => textObject(`${name}.drv`, `${name} ${Math.random()}`)));
  await upload(deployment, objects);
  return objects.map(({ description }) => description.storePath);
}
