import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tokenId, tokenText } from "../fleet/token.ts";

/** Where the embedded mode keeps everything; the whole state of a deployment can be moved by moving it. */
export interface DataDirectory {
  readonly path: string;
  /** The file of the DynamoDB engine. */
  readonly tables: string;
  readonly queues: string;
  readonly blobs: string;
  readonly secrets: string;
  /** The runner that is run in place of the sources' one (`--from-cdk-out`). */
  readonly runner: string;
  /** An API token for everything, made at the first start. */
  readonly token: string;
}

/** Makes what is missing. Only its owner may read it: it has the signing key, the SSH identity and the token. */
export async function openDataDirectory(path: string): Promise<DataDirectory> {
  const directory = {
    tables: join(path, "tables.sqlite"),
    queues: join(path, "queues"),
    blobs: join(path, "blobs"),
    secrets: join(path, "secrets"),
    runner: join(path, "runner"),
  };
  await mkdir(path, { recursive: true, mode: 0o700 });
  for (const part of [directory.queues, directory.blobs, directory.secrets])
    await mkdir(part, { recursive: true, mode: 0o700 });
  return { path, ...directory, token: await readOrMakeToken(join(path, "token")) };
}

async function readOrMakeToken(file: string): Promise<string> {
  const made = `${file}.${randomBytes(4).toString("hex")}`;
  await writeFile(made, `${tokenText(randomBytes(8).toString("hex"), randomBytes(32))}\n`, { mode: 0o600 });
  try {
    for (;;) {
      // Whole at once, and only where there is none: the first of two starts wins, and both read the same token.
      await link(made, file).catch(unlessItIsThere);
      const text = (await readFile(file, "utf8")).trim();
      if (tokenId(text) !== undefined) return text;
      // Of an older Drover.
      await rm(file);
    }
  } finally {
    await rm(made);
  }
}

function unlessItIsThere(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
}

/**
 * Leaves beside the data what Nix needs to fetch from the deployment's cache: `public-key` for `trusted-public-keys`,
 * and `netrc` for `netrc-file`.
 */
export async function writeForNix(directory: DataDirectory, publicKey: string): Promise<void> {
  const netrc = `machine 127.0.0.1\nlogin drover\npassword ${directory.token}\n`;
  await writeFile(join(directory.path, "public-key"), `${publicKey}\n`);
  await writeFile(join(directory.path, "netrc"), netrc, { mode: 0o600 });
}
