import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { parseSecretKey } from "../nix/signing.ts";
import { droverCache } from "./binary-cache/drover-cache.ts";
import { layeredSource } from "./binary-cache/layered.ts";
import { upstreamCache } from "./binary-cache/upstream.ts";
import { directoryBlobs } from "./blobs/directory.ts";
import { s3Blobs, s3Client } from "./blobs/s3.ts";
import type { Configuration } from "./configuration.ts";
import { callerOf, connectControl, type ConnectOptions, type Control } from "./connect-control.ts";
import { blobLogs } from "./logs/blob-logs.ts";
import type { BinaryCache, NarSource } from "./ports/binary-cache.ts";
import type { Blobs } from "./ports/blobs.ts";
import type { Logs } from "./ports/logs.ts";
import type { Secrets } from "./ports/secrets.ts";
import { directorySecrets } from "./secrets/directory.ts";

/** Every port of the control plane, connected. */
export interface Cloud extends Control {
  readonly blobs: Blobs;
  readonly cache: BinaryCache;
  /** The deployment's own cache first, then the upstream ones. */
  readonly sources: NarSource;
  readonly logs: Logs;
  readonly secrets: Secrets;
}

/** Builds every adapter from the configuration. Called by the edges only. Nothing is contacted yet. */
export async function connectCloud(configuration: Configuration, options: ConnectOptions = {}): Promise<Cloud> {
  const { log = console } = options;
  const caller = callerOf(options);
  await using opened = new AsyncDisposableStack();
  const control = opened.use(connectControl(configuration, options));
  const secrets = await connectSecrets(configuration, opened, caller);
  const blobs = connectBlobs(configuration, secrets, opened, caller);
  const upstreams = configuration.DROVER_UPSTREAM_CACHES.map((url) =>
    upstreamCache({
      url,
      trustedPublicKeys: configuration.DROVER_TRUSTED_PUBLIC_KEYS,
      onRefused: ({ code, message }) => log.warn("an upstream path counts as absent", { code, error: message }),
    }),
  );
  const signingKey = async () => parseSecretKey(await secrets.read("signing-key"));
  const cache = droverCache({ blobs, signingKey, upstreams });
  const closing = opened.move();
  return {
    ...control,
    blobs,
    cache,
    sources: layeredSource([cache, ...upstreams]),
    logs: blobLogs({ blobs, spoolDirectory: tmpdir() }),
    secrets,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

/** The SDK for Secrets Manager is loaded where it is used only: the embedded mode starts without it. */
async function connectSecrets(
  configuration: Configuration,
  opened: AsyncDisposableStack,
  caller?: string,
): Promise<Secrets> {
  const [, prefix] = /^secretsmanager:\/\/(.+)$/.exec(configuration.DROVER_SECRETS) ?? [];
  if (prefix === undefined) return directorySecrets(fileURLToPath(configuration.DROVER_SECRETS));
  const { secretsManagerClient, secretsManagerSecrets } = await import("./secrets/secrets-manager.ts");
  const client = opened.adopt(secretsManagerClient({ caller }), (each) => each.destroy());
  return secretsManagerSecrets(client, prefix);
}

function connectBlobs(
  configuration: Configuration,
  secrets: Secrets,
  opened: AsyncDisposableStack,
  caller?: string,
): Blobs {
  const [, bucket] = /^s3:\/\/(.+)$/.exec(configuration.DROVER_BLOBS) ?? [];
  if (bucket === undefined) {
    return directoryBlobs({
      directory: fileURLToPath(configuration.DROVER_BLOBS),
      url: configuration.DROVER_BLOBS_URL ?? "",
      secret: async () => Buffer.from(await secrets.read("url-signing-key"), "hex"),
    });
  }
  const client = opened.adopt(s3Client({ endpoint: configuration.DROVER_S3_ENDPOINT, caller }), (each) =>
    each.destroy(),
  );
  return s3Blobs(client, bucket);
}
