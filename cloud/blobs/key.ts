import { DroverError } from "../../nix/drover-error.ts";

/** S3's limit, in bytes. */
const maximumLength = 1024;
const segment = /^[A-Za-z0-9_+=?-][A-Za-z0-9._+=?-]*$/;

/**
 * A key is one or more segments joined by slashes. A segment that begins with a dot is refused: `..` would leave the
 * directory of the embedded mode, and its own files have such names.
 *
 * @throws {DroverError} DROVER_BLOB_KEY
 */
export function checkBlobKey(key: string): void {
  if (key.length > maximumLength) throw invalid(key, `it is longer than ${maximumLength} characters`);
  if (!key.split("/").every((part) => segment.test(part))) {
    throw invalid(key, "its segments must consist of A-Z a-z 0-9 . _ + = ? - and not begin with a dot");
  }
}

/**
 * Like {@link checkBlobKey} for the beginning of keys: the last segment may be empty or cut off.
 *
 * @throws {DroverError} DROVER_BLOB_KEY
 */
export function checkBlobPrefix(prefix: string): void {
  checkBlobKey(`${prefix}x`);
}

function invalid(key: string, problem: string): DroverError {
  const shown = key.length > 200 ? `${key.slice(0, 200)}…` : key;
  return new DroverError("DROVER_BLOB_KEY", `${JSON.stringify(shown)} is not a blob key: ${problem}.`, {
    subject: shown,
    remedy: "Ask for one of the keys of a binary cache: nix-cache-info, <hash>.narinfo, nar/… or log/….",
  });
}
