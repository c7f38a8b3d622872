import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { checkedUrl, profilePath, writeProfile } from "../api/service.ts";
import type { Context } from "../context.ts";
import { exitCode } from "../exit-code.ts";

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
  return exitCode.done;
}
