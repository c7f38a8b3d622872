import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { ApiClient } from "../api/client.ts";
import { getKeys } from "../api/machine-operations.ts";
import { checkedUrl, profilePath, type Service, writeProfile } from "../api/service.ts";
import type { Context } from "../context.ts";
import { exitCode } from "../exit-code.ts";
import { errorText } from "../terminal/error-text.ts";

const program = fileURLToPath(new URL("../../infra/first-token.ts", import.meta.url));

export interface FirstTokenOptions {
  readonly deployment: string;
  readonly url?: string;
}

/**
 * Has a program that knows AWS make the token, and keeps it where the other commands look for it, or prints it. The
 * program's complaints go to standard error as they are.
 */
export async function tokensFirst(context: Context, { deployment, url }: FirstTokenOptions): Promise<number> {
  const { stdout, stderr, environment } = context;
  // Before the token is made: it is seen this once only.
  const service = url === undefined ? undefined : checkedUrl(url, "--url");
  const child = spawn(process.execPath, [program, deployment], {
    stdio: ["ignore", "pipe", "inherit"],
    env: environment,
  });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  const token = output.trim();
  if (code !== 0 || token === "") return typeof code === "number" && code !== 0 ? code : exitCode.failed;
  if (service === undefined) {
    stderr.line("It can not be shown again. Keep it as DROVER_TOKEN, beside DROVER_URL with the deployment's ApiUrl:");
    stdout.line(token);
    return exitCode.done;
  }
  const path = profilePath(environment);
  try {
    await writeProfile(path, { url: service, token });
  } catch (error) {
    stderr.line("It could not be written into the profile, and can not be shown again:");
    stdout.line(token);
    throw error;
  }
  stderr.line(`commands use ${service} from now on, as ${path} says`);
  await addPublicKey(context, path, { url: service, token });
  return exitCode.done;
}

/** Uses the token for the first time: asks for the key with which the cache signs, for commands that fetch from it. */
async function addPublicKey({ stderr, interrupted: signal }: Context, path: string, service: Service): Promise<void> {
  try {
    const { cachePublicKey } = await getKeys(new ApiClient(service), { signal });
    await writeProfile(path, { ...service, publicKey: cachePublicKey });
  } catch (error) {
    signal.throwIfAborted();
    stderr.line(errorText(error, stderr.style));
    stderr.line("note: the token is made and in your profile all the same; check that --url is the stack's ApiUrl.");
  }
}
