import { DroverError } from "../../nix/drover-error.ts";
import { verifiedNar } from "../../nix/nar/verify.ts";
import { type NarInfo, parseNarInfo } from "../../nix/narinfo.ts";
import { parsePublicKey, verifySignature } from "../../nix/signing.ts";
import type { StorePath } from "../../nix/store-path.ts";
import { collect } from "../blobs/byte-stream.ts";
import type { NarSource } from "../ports/binary-cache.ts";
import { narInfoKey } from "./cache-keys.ts";
import { decompress } from "./compression.ts";
import { fetchFile, type RetryPolicy, unavailable } from "./http-fetch.ts";
import { lookUp } from "./look-up.ts";
import { NarInfoMemo, type NarInfoMemoOptions } from "./narinfo-memo.ts";
import { resumedBody } from "./resumed-body.ts";

export interface UpstreamCacheOptions {
  /** Root of the binary cache. User and password in it are sent as HTTP Basic. */
  readonly url: string;
  /** `name:base64`, of which a path must have one signature; otherwise it counts as absent. */
  readonly trustedPublicKeys: readonly string[];
  /** Told why a path that the cache has counts as absent. */
  readonly onRefused: (error: DroverError) => void;
  readonly retry?: RetryPolicy | undefined;
  readonly memo?: NarInfoMemoOptions | undefined;
}

const narInfoLimit = 16 * 1024 * 1024;

/** Somebody else's binary cache, by HTTP. Nothing of it is believed that no trusted key has signed. */
export function upstreamCache({
  url,
  trustedPublicKeys,
  onRefused,
  retry,
  memo: memoOptions,
}: UpstreamCacheOptions): NarSource {
  // A key that is none shall stop the start, not make every path untrusted.
  trustedPublicKeys.forEach(parsePublicKey);
  const root = new URL(url.endsWith("/") ? url : `${url}/`);
  const headers = authorization(root);
  root.username = "";
  root.password = "";
  const memo = new NarInfoMemo(memoOptions);

  async function find(path: StorePath, signal: AbortSignal | undefined): Promise<NarInfo | undefined> {
    const key = narInfoKey(path);
    const response = await fetchFile(new URL(key, root), { headers, signal, retry });
    if (response?.body == null) return undefined;
    try {
      const info = parseNarInfo((await collect(response.body, narInfoLimit, key)).toString());
      if (info.storePath !== path) throw refused(path, `it describes ${info.storePath}`);
      if (info.signatures.some((signature) => verifySignature(info, signature, trustedPublicKeys))) return info;
      const signers = info.signatures.map((signature) => signature.slice(0, signature.indexOf(":")));
      throw refused(
        path,
        signers.length === 0 ? "it is not signed" : `no trusted key has signed it, but ${signers.join(", ")}`,
      );
    } catch (error) {
      // A narinfo that makes no sense is one path's problem. A connection that broke is not.
      if (!(error instanceof DroverError)) throw unavailable(new URL(key, root).href, error);
      onRefused(error);
      return undefined;
    }
  }

  function gone(subject: StorePath, file: URL): DroverError {
    memo.forget(subject);
    return new DroverError("DROVER_NAR_GONE", `${file.href} is gone, although the narinfo of ${subject} names it`, {
      subject,
      remedy: "Try again: the path is then fetched from elsewhere, or built.",
    });
  }

  function refused(path: StorePath, reason: string): DroverError {
    return new DroverError("DROVER_UPSTREAM_REFUSED", `${path} of ${root.href} is not used: ${reason}`, {
      subject: path,
      remedy: "Add the public key of this binary cache to DROVER_TRUSTED_PUBLIC_KEYS if you trust it.",
    });
  }

  return {
    name: root.href,

    narInfos: (paths, signal) => lookUp(paths, memo, (path) => find(path, signal), signal),

    async *openNar(info, signal) {
      const file = new URL(info.url, root);
      const own = file.origin === root.origin ? headers : {};
      const { storePath: subject, narHash, narSize } = info;
      const open = async (from: number): Promise<Response> => {
        const range: Record<string, string> = from === 0 ? {} : { range: `bytes=${from}-` };
        const wanted = { ...own, ...range, "accept-encoding": "identity" };
        const response = await fetchFile(file, { headers: wanted, signal, retry });
        if (response === undefined) throw gone(subject, file);
        return response;
      };
      const body = resumedBody(open, signal);
      yield* verifiedNar(decompress(body, info.compression, subject), { narHash, narSize, subject });
    },
  };
}

function authorization({ username, password }: URL): Record<string, string> {
  if (username === "") return {};
  const userAndPassword = [username, password].map(decodeURIComponent).join(":");
  return { authorization: `Basic ${Buffer.from(userAndPassword).toString("base64")}` };
}
