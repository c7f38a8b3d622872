import { createHash, type Hash } from "node:crypto";
import { DroverError } from "../drover-error.ts";
import { formatHash } from "../hash.ts";

/** The hash of a NAR as narinfo files and `Info` of the serve protocol have it, and its length. */
export interface NarMeasure {
  /** `sha256:` and 52 characters of Nix32. */
  readonly narHash: string;
  /** Bytes. */
  readonly narSize: number;
}

export interface ExpectedNar extends NarMeasure {
  /** Whose NAR it is, for the message: a store path or an object's key. */
  readonly subject: string;
}

/**
 * The same bytes, as long as they can be those of the NAR that is expected: never more than `narSize` bytes, and the
 * last of them only after the hash of all has been found right. A consumer that counts bytes, as a Nix that is being
 * sent this NAR does, therefore never has all of a wrong one.
 *
 * Throws `DROVER_NAR_SIZE` or `DROVER_NAR_HASH` with what was expected and what came.
 */
export async function* verifiedNar(
  source: AsyncIterable<Uint8Array>,
  expected: ExpectedNar,
): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of source) {
    if (chunk.length === 0) continue;
    hash.update(chunk);
    size += chunk.length;
    if (size > expected.narSize) throw wrongSize(expected, `at least ${size}`);
    if (size === expected.narSize) checkHash(hash.copy(), expected);
    yield chunk;
  }
  if (size < expected.narSize) throw wrongSize(expected, String(size));
}

/** The same bytes; `result` is their measure once the last has been read, and rejects when they are not all read. */
export function measureNar(source: AsyncIterable<Uint8Array>): {
  nar: AsyncGenerator<Uint8Array>;
  result: Promise<NarMeasure>;
} {
  const { promise, resolve, reject } = Promise.withResolvers<NarMeasure>();
  // Whoever reads `nar` sees the same failure; a result that nobody waits for must not end the process.
  promise.catch(() => {});

  async function* measured(): AsyncGenerator<Uint8Array> {
    const hash = createHash("sha256");
    let narSize = 0;
    try {
      for await (const chunk of source) {
        hash.update(chunk);
        narSize += chunk.length;
        yield chunk;
      }
      resolve({ narHash: textOf(hash), narSize });
    } catch (error) {
      reject(error);
      throw error;
    } finally {
      // After resolve or reject this does nothing; it is for a consumer that left early.
      reject(new DroverError("DROVER_NAR_SIZE", `the NAR was left after ${narSize} bytes, before its end`));
    }
  }
  return { nar: measured(), result: promise };
}

function textOf(hash: Hash): string {
  return formatHash({ algorithm: "sha256", bytes: hash.digest() }, "nix32");
}

function checkHash(hash: Hash, { narHash, subject }: ExpectedNar): void {
  const actual = textOf(hash);
  if (actual === narHash) return;
  throw new DroverError("DROVER_NAR_HASH", `the NAR of ${subject} has the hash ${actual}, expected was ${narHash}`, {
    subject,
    remedy: "Delete this copy and fetch or build the path again: its contents were damaged or replaced.",
    details: { expected: narHash, actual },
  });
}

function wrongSize({ narSize, subject }: ExpectedNar, actual: string): DroverError {
  return new DroverError("DROVER_NAR_SIZE", `the NAR of ${subject} has ${actual} bytes, expected were ${narSize}`, {
    subject,
    remedy: "Fetch or build the path again: the NAR was cut, or what is recorded about it belongs to another.",
    details: { expected: narSize, actual },
  });
}
