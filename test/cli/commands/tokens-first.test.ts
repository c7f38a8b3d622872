import { chmod, mkdir, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { profilePath } from "../../../cli/api/service.ts";
import { authorize } from "../../../lambdas/authorize/authorize.ts";
import { silentLog } from "../../../lambdas/observability/log.ts";
import { onDynamoDb } from "../../cloud/dynamodb/on-dynamodb.ts";
import { type Reply, startFaultService } from "../fault-service.ts";
import { runDrover } from "../run-drover.ts";

const open = onDynamoDb();
const keys = { sshPublicKey: "a", sshFingerprint: "b", authorizedKeysLine: "c", cachePublicKey: "drover-1:abc=" };
let home: string;
beforeEach(async () => (home = await mkdtemp(join(tmpdir(), "drover-first-"))));
afterEach(() => rm(home, { recursive: true }));

/** AWS as the SDK finds it, which is not AWS here. */
const aws = (endpoint: string) => ({
  AWS_ENDPOINT_URL_DYNAMODB: endpoint,
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
  AWS_REGION: "eu-central-1",
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_MAX_ATTEMPTS: "1",
  HOME: home,
});
const first = (environment: Record<string, string>, ...args: string[]) =>
  runDrover(["tokens", "first", ...args], { environment });

describe("drover tokens first", () => {
  it("prints a token alone that the deployment's authorizer takes for an admin's", async () => {
    const { name, endpoint, tokens } = await open();
    const { stdout, stderr, code } = await first(aws(endpoint), "--deployment", name);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^drover_[0-9a-f]{16}_[\w-]{43}\n$/);
    expect(stderr).toContain(`made for ${name} in eu-central-1`);
    expect(stderr).not.toContain(stdout.trim());
    const authorizing = { tokens, now: Date.now, log: silentLog };
    expect(await authorize(authorizing, `Bearer ${stdout.trim()}`)).toMatchObject({ scopes: ["admin"] });
    expect(await tokens.list()).toMatchObject([{ name: "first-admin", expiresAt: null }]);
  });

  it("with a URL puts both into the profile, for the owner's eyes only, and prints nothing", async () => {
    const { name, endpoint, tokens } = await open();
    await using api = await startFaultService(() => ({ json: keys }));
    const { stdout, stderr, code } = await first(aws(endpoint), "--deployment", name, "--url", `${api.url}/`);
    expect({ stdout, code }, stderr).toEqual({ stdout: "", code: 0 });
    const path = profilePath({ HOME: home });
    const profile = JSON.parse(await readFile(path, "utf8"));
    const token = expect.stringMatching(/^drover_/);
    expect(profile).toEqual({ url: api.url, token, publicKey: keys.cachePublicKey });
    expect(api.requests.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${profile.token}`]);
    expect(((await stat(path)).mode & 0o777).toString(8)).toBe("600");
    expect(stderr).toContain(path);
    expect(stderr).not.toContain(profile.token);
    const authorizing = { tokens, now: Date.now, log: silentLog };
    expect(await authorize(authorizing, `Bearer ${profile.token}`)).toMatchObject({ scopes: ["admin"] });
  });

  it("keeps the token in the profile when nobody knows it at the URL, and says so", async () => {
    const { name, endpoint } = await open();
    await using api = await startFaultService(() => ({ status: 403, json: { message: "Forbidden" } }));
    const { stdout, stderr, code } = await first(aws(endpoint), "--deployment", name, "--url", api.url);
    expect({ stdout, code }).toEqual({ stdout: "", code: 0 });
    expect(stderr).toMatch(/\(DROVER_TOKEN_WRONG\)[^]*note: the token is made .* check that --url/);
    const profile = JSON.parse(await readFile(profilePath({ HOME: home }), "utf8"));
    expect(profile).toEqual({ url: api.url, token: expect.stringMatching(/^drover_/) });
  });

  it("makes no token for a URL that is none", async () => {
    const { name, endpoint, tokens } = await open();
    const { stderr, code } = await first(aws(endpoint), "--deployment", name, "--url", "drover.example.org");
    expect(code).toBe(1);
    expect(stderr).toMatch(/\(DROVER_SERVICE_URL\)\nremedy: Set --url to something like https:/);
    expect(await tokens.list()).toEqual([]);
  });

  it("prints the token after all when the profile can not be written", async () => {
    const { name, endpoint, tokens } = await open();
    await mkdir(profilePath({ HOME: home }), { recursive: true });
    await chmod(dirname(profilePath({ HOME: home })), 0o700);
    const { stdout, stderr, code } = await first(aws(endpoint), "--deployment", name, "--url", "https://x.example");
    expect(code).toBe(1);
    expect(stderr).toMatch(/EISDIR.*\(DROVER_PROFILE\)\nremedy: /);
    const authorizing = { tokens, now: Date.now, log: silentLog };
    expect(await authorize(authorizing, `Bearer ${stdout.trim()}`)).toMatchObject({ scopes: ["admin"] });
  });
});

describe("without what it needs, drover tokens first says what to do", () => {
  const refused = (type: string): Reply => ({
    status: 400,
    json: { __type: `com.amazon.coral.service#${type}`, message: "AWS says no" },
    headers: { "content-type": "application/x-amz-json-1.0" },
  });
  const complaint = (code: string, remedy: string) => ({
    stdout: "",
    stderr: expect.stringMatching(new RegExp(`^error: .*\\. \\(${code}\\)\nremedy: .*${remedy}`)),
    code: 1,
  });

  it("no credentials", async () => {
    const { AWS_ACCESS_KEY_ID: _, ...environment } = aws("http://127.0.0.1:9");
    expect(await first(environment)).toMatchObject(complaint("DROVER_AWS_CREDENTIALS", "AWS_PROFILE"));
  });

  it("no region", async () => {
    const { AWS_REGION: _, ...environment } = aws("http://127.0.0.1:9");
    expect(await first(environment)).toMatchObject(complaint("DROVER_AWS_REGION", "AWS_REGION"));
  });

  it("another deployment's name, or another region", async () => {
    const { endpoint } = await open();
    const outcome = await first(aws(endpoint), "--deployment", "elsewhere");
    expect(outcome).toMatchObject(complaint("DROVER_AWS_NO_DEPLOYMENT", "--deployment"));
    expect(outcome.stderr).toContain("no table elsewhere-tokens in eu-central-1");
  });

  it("a name that no deployment can have", async () => {
    const outcome = await first(aws("http://127.0.0.1:9"), "--deployment", "Not_A_Name");
    expect(outcome).toMatchObject({ code: 1, stdout: "" });
    expect(outcome.stderr).toMatch(/^error: .*name/);
  });

  it.each([
    ["AccessDeniedException", "DROVER_AWS_ACCESS_DENIED", "dynamodb:PutItem"],
    ["UnrecognizedClientException", "DROVER_AWS_CREDENTIALS", "AWS_PROFILE"],
    ["ExpiredTokenException", "DROVER_AWS_CREDENTIALS", "aws sso login"],
    ["ValidationException", "DROVER_AWS", "Correct what it says"],
  ])("%s", async (type, code, remedy) => {
    await using service = await startFaultService(() => refused(type));
    expect(await first(aws(service.url))).toMatchObject(complaint(code, remedy));
  });

  it("nobody who answers", async () => {
    const outcome = await first(aws("http://127.0.0.1:9"));
    expect(outcome).toMatchObject(complaint("DROVER_AWS_UNREACHABLE", "network"));
  });
});
