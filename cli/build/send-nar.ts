import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { text } from "node:stream/consumers";
import { DroverError } from "../../nix/drover-error.ts";
import { reasonOf } from "../api/client.ts";
import type { SignedRequest } from "../../lambdas/api/schema/store.ts";

/** A blob store that neither takes nor answers anything for so long is taken for dead. */
const idleLimit = 60_000;

/**
 * Sends a NAR by a signed request, as fast as the receiver takes it. S3 wants the exact length in advance, which
 * `fetch` does not promise for streams, hence the plain HTTP client.
 *
 * @throws {DroverError} DROVER_UNREACHABLE; DROVER_UPLOAD_REFUSED with `details.status`; errors of `nar` as they are
 */
export async function sendNar(
  { method, url, headers }: SignedRequest,
  nar: AsyncIterable<Uint8Array>,
  narSize: number,
  signal: AbortSignal,
): Promise<void> {
  const target = new URL(url);
  const open = target.protocol === "https:" ? httpsRequest : httpRequest;
  const request = open(target, { method, headers: { ...headers, "content-length": String(narSize) }, signal });
  request.setTimeout(idleLimit, () => request.destroy(new Error("no answer in time")));
  const answer = Promise.withResolvers<{ status: number; body: string }>();
  request.on("error", answer.reject);
  request.on("response", (response) => {
    text(response).then((body) => answer.resolve({ status: response.statusCode ?? 0, body }), answer.reject);
  });
  // A receiver that refuses answers before it has read everything, and its answer says more than the broken pipe.
  let sourceError: unknown;
  const source = Readable.from(errorsNoticed(nar, (error) => (sourceError = error)));
  const sent = pipeline(source, request, { signal }).catch(() => {});
  try {
    const { status, body } = await answer.promise;
    if (status < 200 || status > 299) throw refused(target, status, body);
    await sent;
  } catch (error) {
    signal.throwIfAborted();
    if (sourceError !== undefined) throw sourceError;
    if (error instanceof DroverError) throw error;
    throw new DroverError(
      "DROVER_UNREACHABLE",
      `the blob store at ${target.origin} can't be reached: ${reasonOf(error)}`,
      {
        subject: target.origin,
        remedy: "Check the network and try again; what has been uploaded need not be sent again.",
        cause: error,
      },
    );
  } finally {
    request.destroy();
    await sent;
  }
}

async function* errorsNoticed(
  source: AsyncIterable<Uint8Array>,
  onError: (error: unknown) => void,
): AsyncGenerator<Uint8Array> {
  try {
    yield* source;
  } catch (error) {
    onError(error);
    throw error;
  }
}

/** The URL is a credential, so only its origin is named. */
function refused(target: URL, status: number, body: string): DroverError {
  const why = /<Message>([^<]*)<\/Message>/.exec(body)?.[1] ?? body.slice(0, 200).trim();
  return new DroverError(
    "DROVER_UPLOAD_REFUSED",
    `the blob store at ${target.origin} refused an upload: ${status} ${why}`.trim(),
    {
      subject: target.origin,
      remedy: "Try again; if it stays, compare this machine's clock with the service's.",
      details: { status },
    },
  );
}
