import type { BigIntStats } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { randomUUID } from "node:crypto";
import { contentTypeOf } from "./content-type.ts";

/** What is written down beside a blob in a directory, where its key and file do not say it already. */
interface Note {
  readonly file: string;
  readonly contentType: string;
  /** Hexadecimal. */
  readonly sha256?: string | undefined;
}

/** Ours within the directory; blob keys cannot begin with a dot. */
const temporary = ".temporary";
const notes = ".notes";

export function temporaryFile(root: string): string {
  return join(root, temporary, randomUUID());
}

/** Makes the directory, and clears what writers left that were killed; a day is longer than any upload. */
export async function prepareDirectory(root: string): Promise<void> {
  const directory = join(root, temporary);
  await mkdir(directory, { recursive: true });
  for (const name of await readdir(directory)) {
    const stats = await stat(join(directory, name)).catch(ignoreMissing);
    if (stats && stats.mtimeMs < Date.now() - 86_400_000) await rm(join(directory, name), { force: true });
  }
}

/**
 * Gives a finished temporary file its name. Without fsync: after a power cut the newest blobs may be empty or gone,
 * as files of any cache are, and the checks of what reads them (NAR hash, narinfo grammar) find out.
 */
export async function publish(file: string, target: string): Promise<void> {
  // A directory that was just made can vanish again: deleting the last blob in it removes it.
  for (let attempt = 0; ; attempt++) {
    await mkdir(dirname(target), { recursive: true });
    try {
      await rename(file, target);
      return;
    } catch (error) {
      if (!isMissing(error) || attempt === 10) throw error;
    }
  }
}

/** Writes the note before the blob gets its name; it belongs to the file, so a crash in between leaves no lie. */
export async function writeNote(
  root: string,
  key: string,
  file: BigIntStats,
  contentType: string,
  sha256?: Uint8Array,
): Promise<void> {
  if (sha256 === undefined && contentType === contentTypeOf(key)) return;
  const hex = sha256 && Buffer.from(sha256).toString("hex");
  const note: Note = { file: identity(file), contentType, sha256: hex };
  const draft = temporaryFile(root);
  await writeFile(draft, JSON.stringify(note));
  await publish(draft, notePath(root, key));
}

/** What is noted of exactly this file; a note of an earlier blob of the same key does not count. */
export async function readNote(
  root: string,
  key: string,
  file: BigIntStats,
): Promise<{ contentType: string; sha256?: Uint8Array | undefined }> {
  const text = await readFile(notePath(root, key), "utf8").catch(() => "{}");
  const note: Partial<Note> = JSON.parse(text);
  if (note.file !== identity(file) || note.contentType === undefined) return { contentType: contentTypeOf(key) };
  return {
    contentType: note.contentType,
    sha256: note.sha256 === undefined ? undefined : Buffer.from(note.sha256, "hex"),
  };
}

/** Removes a blob with its note, and the directories that are empty without it. */
export async function removeBlob(root: string, key: string): Promise<void> {
  for (const [top, file] of [
    [root, join(root, key)],
    [join(root, notes), notePath(root, key)],
  ] as const) {
    await rm(file, { force: true }).catch(ignoreMissing);
    let directory = dirname(file);
    while (
      directory.length > top.length &&
      (await rmdir(directory).then(
        () => true,
        () => false,
      ))
    )
      directory = dirname(directory);
  }
}

/** Whether an error says that there is no such file; a key below another blob is not there either. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

function ignoreMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
  return undefined;
}

function notePath(root: string, key: string): string {
  return join(root, notes, `${key}.json`);
}

function identity({ ino, size, mtimeNs }: BigIntStats): string {
  return `${ino}-${size}-${mtimeNs}`;
}
