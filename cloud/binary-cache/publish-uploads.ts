import { DroverError } from "../../nix/drover-error.ts";
import { parseHash } from "../../nix/hash.ts";
import { verifiedNar } from "../../nix/nar/verify.ts";
import type { NarInfo } from "../../nix/narinfo.ts";
import { contentTypes } from "../blobs/content-type.ts";
import { concurrently } from "../concurrently.ts";
import type { NarSource, PathDescription } from "../ports/binary-cache.ts";
import type { Blobs, ByteStream } from "../ports/blobs.ts";
import { narKey } from "./cache-keys.ts";
import { provesItsPath } from "./content-proof.ts";
import { inOrderOfReference } from "./order.ts";

export interface Uploads {
  readonly paths: readonly PathDescription[];
  readonly blobs: Blobs;
  /** Our cache: paths that are there already need nothing. */
  readonly cache: NarSource;
  /** Where else references may be, our cache included. */
  readonly known: NarSource;
  readonly publish: (
    path: PathDescription,
    file: Pick<NarInfo, "url" | "compression" | "fileHash" | "fileSize">,
  ) => Promise<void>;
}

const atOnce = 32;

/** What the blob store must hold a client to. */
export function uploadOf({ narHash, narSize }: PathDescription): {
  size: number;
  sha256: Uint8Array;
  contentType: string;
} {
  return { size: narSize, sha256: parseHash(narHash, "sha256").bytes, contentType: contentTypes.nar };
}

/** Publishes uploaded paths after everything about all of them has been found right. */
export async function publishUploads({ paths, blobs, cache, known, publish }: Uploads): Promise<void> {
  const present = await cache.narInfos(paths.map(({ storePath }) => storePath));
  const wanted = new Map(
    paths.filter(({ storePath }) => !present.has(storePath)).map((path) => [path.storePath, path]),
  );
  const waves = inOrderOfReference(wanted);
  await checkReferences(wanted, known);
  await concurrently(wanted.values(), atOnce, (path) => checkUpload(path, blobs));
  // References first, so that a crash in between leaves no path in the cache whose closure is not there.
  for (const wave of waves) {
    await concurrently(wave, atOnce, (path) =>
      publish(path, { url: narKey(path, "none"), compression: "none", fileHash: path.narHash, fileSize: path.narSize }),
    );
  }
}

async function checkReferences(wanted: ReadonlyMap<string, PathDescription>, known: NarSource): Promise<void> {
  const references = [...wanted.values()].flatMap((path) => path.references).filter((path) => !wanted.has(path));
  const found = await known.narInfos(references);
  for (const { storePath, references } of wanted.values()) {
    const missing = references.find((reference) => !wanted.has(reference) && !found.has(reference));
    if (missing === undefined) continue;
    throw new DroverError(
      "DROVER_REFERENCE_MISSING",
      `${storePath} refers to ${missing}, which is in none of ${known.name}`,
      {
        subject: missing,
        remedy: `Upload ${missing}, too, and register both together.`,
        details: { path: storePath, reference: missing },
      },
    );
  }
}

async function checkUpload(path: PathDescription, blobs: Blobs): Promise<void> {
  const { storePath: subject, narHash, narSize } = path;
  const key = narKey(path, "none");
  const head = await blobs.head(key);
  if (head === undefined) throw neverArrived(path);
  async function* stored(): ByteStream {
    const blob = await blobs.get(key);
    if (blob === undefined) throw neverArrived(path);
    yield* verifiedNar(blob.body, { narHash, narSize, subject });
  }
  // The store vouches for uploads through signed URLs; what came another way is read.
  const vouched =
    head.size === narSize && head.sha256 !== undefined && Buffer.compare(head.sha256, uploadOf(path).sha256) === 0;
  if (!vouched) for await (const _ of stored());
  if (await provesItsPath(path, stored)) return;
  throw new DroverError(
    "DROVER_CONTENT_ADDRESS",
    `${subject} is not the path of the contents that were uploaded for it`,
    {
      subject,
      remedy:
        "Upload what `nix-store --dump` prints of this path, with the references and the content address of `nix path-info --json`.",
      details: { ca: path.ca },
    },
  );
}

function neverArrived({ storePath, narHash }: PathDescription): DroverError {
  return new DroverError("DROVER_UPLOAD_MISSING", `the NAR of ${storePath} has not been uploaded`, {
    subject: storePath,
    remedy: "Ask for an upload URL for this path, send its NAR there, and register it then.",
    details: { narHash },
  });
}
