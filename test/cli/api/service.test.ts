import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findService, profilePath } from "../../../cli/api/service.ts";

const profile = { url: "http://127.0.0.1:4747", token: "of-the-profile" };
let directory: string;
let environment: Record<string, string>;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "drover-profile-"));
  environment = { XDG_CONFIG_HOME: directory, HOME: "/nowhere" };
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function writeProfile(text: string): Promise<void> {
  const path = profilePath(environment);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text, { mode: 0o600 });
}

describe("profilePath()", () => {
  it("follows the XDG base directories, ignoring relative ones", () => {
    expect(profilePath({ XDG_CONFIG_HOME: "/etc/xdg", HOME: "/home/a" })).toBe("/etc/xdg/drover/profile.json");
    expect(profilePath({ XDG_CONFIG_HOME: "relative", HOME: "/home/a" })).toBe("/home/a/.config/drover/profile.json");
    expect(profilePath({ HOME: "/home/a" })).toBe("/home/a/.config/drover/profile.json");
  });
});

describe("findService()", () => {
  it("reads the profile", async () => {
    await writeProfile(JSON.stringify(profile));
    expect(await findService(environment)).toEqual(profile);
  });

  it("prefers the environment, and needs no profile then", async () => {
    const found = await findService({
      ...environment,
      DROVER_URL: "https://drover.example.org/api/",
      DROVER_TOKEN: "t",
    });
    expect(found).toEqual({ url: "https://drover.example.org/api", token: "t" });
  });

  it("takes another token for the profile's service", async () => {
    await writeProfile(JSON.stringify(profile));
    expect(await findService({ ...environment, DROVER_TOKEN: "t" })).toEqual({ ...profile, token: "t" });
  });

  it("uses the profile's token for the same service under DROVER_URL", async () => {
    await writeProfile(JSON.stringify(profile));
    expect(await findService({ ...environment, DROVER_URL: `${profile.url}/` })).toEqual(profile);
  });

  it("never uses the profile's token for another service", async () => {
    await writeProfile(JSON.stringify(profile));
    await expect(findService({ ...environment, DROVER_URL: "https://elsewhere.example.org" })).rejects.toMatchObject({
      code: "DROVER_NO_TOKEN",
      remedy: "Set DROVER_TOKEN as well.",
    });
  });

  it.each(["", "{", "{}", '{"url":"ftp://x","token":"t"}', '{"url":"http://x","token":""}'])(
    "names the profile when it is damaged: %j",
    async (text) => {
      await writeProfile(text);
      await expect(findService(environment)).rejects.toMatchObject({
        code: "DROVER_PROFILE",
        subject: profilePath(environment),
      });
    },
  );

  it("says so when the profile can't be read", async () => {
    await mkdir(profilePath(environment), { recursive: true });
    await chmod(profilePath(environment), 0o700);
    await expect(findService(environment)).rejects.toMatchObject({ code: "DROVER_PROFILE" });
  });

  it.each(["drover.example.org", "file:///etc", "http://h/?a=b"])("refuses %s as an address", async (url) => {
    await expect(findService({ ...environment, DROVER_URL: url, DROVER_TOKEN: "t" })).rejects.toMatchObject({
      code: "DROVER_SERVICE_URL",
    });
  });
});
