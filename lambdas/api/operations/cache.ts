import * as z from "zod";
import { printNixCacheInfo } from "../../../nix/narinfo.ts";
import { isStorePath, STORE_DIRECTORY } from "../../../nix/store-path.ts";
import type { ApiDependencies } from "../dependencies.ts";
import { type Reply, textReply } from "../reply.ts";
import { plainOperation } from "./operation.ts";
import { readUpTo } from "./read-up-to.ts";

/**
 * The binary cache as Nix's `http://` stores read it (libstore/http-binary-cache-store.cc). What is not there is a
 * plain 404: Nix shows the body of an error to people.
 */

/** Before cache.nixos.org, which says 40. */
const priority = 30;
/** What a Lambda function's answer may carry as base64, with room for the rest; in bytes. */
const largestInline = 4 * 1024 * 1024;

const narInfoType = "text/x-nix-narinfo";
const fileName = z.string().min(1).max(300);
const missing = { 404: "It is not in the cache" };

export const getCacheInfo = plainOperation({
  summary: "nix-cache-info",
  tag: "cache",
  input: z.object({}),
  success: { mediaType: "text/x-nix-cache-info", descriptions: { 200: "What Nix asks of a cache first" } },
  run: () =>
    textReply(
      200,
      printNixCacheInfo({ storeDirectory: STORE_DIRECTORY, wantMassQuery: true, priority }),
      "text/x-nix-cache-info",
    ),
});

const narInfoInput = z.object({
  path: z.strictObject({ narinfo: fileName.meta({ examples: ["8zd6jz1p7gl91sgrk9q63pkbvm4jnnfs.narinfo"] }) }),
});

export const getNarInfo = plainOperation({
  summary: "<hash>.narinfo",
  tag: "cache",
  input: narInfoInput,
  success: { mediaType: narInfoType, descriptions: { 200: "The narinfo, signed", ...missing } },
  async run({ blobs }, { path }, { signal }) {
    const found = isNarInfoKey(path.narinfo) ? await blobs.get(path.narinfo, { signal }) : undefined;
    if (found === undefined) return absent(path.narinfo);
    const text = await readUpTo(found.body, largestInline);
    return text === undefined
      ? absent(path.narinfo)
      : { status: 200, headers: { "content-type": narInfoType }, body: utf8(text) };
  },
});

export const headNarInfo = plainOperation({
  summary: "Whether a path is in the cache",
  tag: "cache",
  input: narInfoInput,
  success: { mediaType: narInfoType, descriptions: { 200: "It is in the cache", ...missing } },
  async run({ blobs }, { path }) {
    const found = isNarInfoKey(path.narinfo) ? await blobs.head(path.narinfo) : undefined;
    return { status: found === undefined ? 404 : 200, headers: { "content-type": narInfoType } };
  },
});

export const getCacheNar = plainOperation({
  summary: "A NAR",
  tag: "cache",
  input: z.object({ path: z.strictObject({ file: fileName }) }),
  success: { mediaType: "application/x-nix-nar", descriptions: { 302: "Where the NAR is, for a while", ...missing } },
  async run({ cache }, { path }) {
    if (!/^[0-9a-z]+\.nar(\.[a-z0-9]+)?$/.test(path.file)) return absent(path.file);
    const { url } = await cache.signDownload(`nar/${path.file}`);
    return redirect(url);
  },
});

export const getCacheLog = plainOperation({
  summary: "The log of a derivation",
  description: "As `nix log --store` asks for it: with the bytes that the builder wrote.",
  tag: "cache",
  input: z.object({ path: z.strictObject({ drv: fileName }) }),
  success: {
    mediaType: "text/plain",
    descriptions: { 200: "The log", 302: "Where a long log is, for a while", ...missing },
  },
  async run(dependencies, { path }) {
    const drvPath = `${STORE_DIRECTORY}/${path.drv}`;
    const log = isStorePath(drvPath) ? await dependencies.logs.ofDerivation(drvPath) : undefined;
    if (log === undefined) return absent(path.drv);
    const bytes = await readUpTo(log, largestInline);
    if (bytes === undefined) return await redirectToLog(dependencies, path.drv);
    return { status: 200, headers: { "content-type": "text/plain; charset=utf-8" }, body: bytes };
  },
});

function isNarInfoKey(name: string): boolean {
  return /^[0-9a-df-np-sv-z]{32}\.narinfo$/.test(name);
}

async function redirectToLog({ blobs }: ApiDependencies, drv: string): Promise<Reply> {
  const { url } = await blobs.signDownload(`log/${drv}`, 300);
  return redirect(url);
}

function redirect(location: string): Reply {
  return { status: 302, headers: { location, "cache-control": "no-store" } };
}

function absent(name: string): Reply {
  return textReply(404, `${name} is not in the cache\n`);
}

function utf8(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
