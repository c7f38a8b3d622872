import { mkdir, readFile, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import * as z from "zod";
import { DroverError } from "../../nix/drover-error.ts";

/** Where the service is, and what lets us in. */
export interface Service {
  /** Without a slash at its end. */
  readonly url: string;
  readonly token: string;
  /** Of its binary cache, as Nix writes it (`name:base64`), where the profile has it. */
  readonly publicKey?: string | undefined;
}

/** What `drover up` and `drover tokens first` write for the commands of the same user. */
const profileSchema = z.object({
  url: z.url({ protocol: /^https?$/ }),
  token: z.string().min(1),
  publicKey: z.string().optional(),
});

/** `$XDG_CONFIG_HOME/drover/profile.json`; a relative XDG_CONFIG_HOME is ignored, as its specification says. */
export function profilePath(environment: NodeJS.ProcessEnv): string {
  const configured = environment["XDG_CONFIG_HOME"] ?? "";
  const home = environment["HOME"] ?? homedir();
  return join(configured.startsWith("/") ? configured : join(home, ".config"), "drover", "profile.json");
}

/**
 * DROVER_URL and DROVER_TOKEN, and what they leave open from the profile. The profile's token is for its own service
 * only: it is not sent to another one that DROVER_URL names.
 *
 * @throws {DroverError} DROVER_NO_SERVICE, DROVER_NO_TOKEN, DROVER_SERVICE_URL, DROVER_PROFILE
 */
export async function findService(environment: NodeJS.ProcessEnv): Promise<Service> {
  const url = environment["DROVER_URL"] ?? "";
  const token = environment["DROVER_TOKEN"] ?? "";
  if (url !== "" && token !== "") return { url: checkedUrl(url), token };

  const path = profilePath(environment);
  const profile = await readProfile(path);
  if (url === "") {
    if (profile === undefined) {
      throw new DroverError("DROVER_NO_SERVICE", `no service is known: DROVER_URL is not set and there is no ${path}`, {
        subject: path,
        remedy: "Start one on this machine with `drover up`, or set DROVER_URL and DROVER_TOKEN.",
      });
    }
    return { ...profile, url: checkedUrl(profile.url), ...(token !== "" && { token }) };
  }
  const wanted = checkedUrl(url);
  if (profile !== undefined && checkedUrl(profile.url) === wanted) return { ...profile, url: wanted };
  throw new DroverError("DROVER_NO_TOKEN", `no token is known for ${wanted}`, {
    subject: wanted,
    remedy: "Set DROVER_TOKEN as well.",
  });
}

async function readProfile(path: string): Promise<Service | undefined> {
  const remedy = "Start `drover up` again, which writes it, or set DROVER_URL and DROVER_TOKEN.";
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DroverError("DROVER_PROFILE", `the profile ${path} can't be read: ${why}`, {
      subject: path,
      remedy,
      cause,
    });
  }
  const profile = profileSchema.safeParse(parsedJson(text));
  if (profile.success) return profile.data;
  const why = profile.error.issues.map((issue) => `${issue.path.join(".")} ${issue.message}`.trim()).join("; ");
  throw new DroverError("DROVER_PROFILE", `the profile ${path} is damaged: ${why}`, { subject: path, remedy });
}

/**
 * What the commands read when they are told nothing else. Only its owner may read it.
 *
 * @throws {DroverError} DROVER_PROFILE
 */
export async function writeProfile(path: string, profile: Service): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(path, `${JSON.stringify(profile, undefined, 2)}\n`, { mode: 0o600 });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DroverError("DROVER_PROFILE", `the profile ${path} can't be written: ${why}`, {
      subject: path,
      remedy: "Make it writable, or let XDG_CONFIG_HOME name another directory.",
      cause,
    });
  }
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * @param setting where it comes from
 * @throws {DroverError} DROVER_SERVICE_URL
 */
export function checkedUrl(text: string, setting = "DROVER_URL"): string {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol) && url.search === "" && url.hash === "") {
    return url.href.replace(/\/+$/, "");
  }
  throw new DroverError("DROVER_SERVICE_URL", `'${text}' is not the address of a service`, {
    subject: text,
    remedy: `Set ${setting} to something like https://drover.example.org, without a query.`,
  });
}
