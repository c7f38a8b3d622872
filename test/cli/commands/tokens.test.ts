import { describe, expect, it } from "vitest";
import { scopes } from "../../../fleet/token.ts";
import { problem, startFaultService } from "../fault-service.ts";
import { runDrover } from "../run-drover.ts";

const text = `drover_0123456789abcdef_${"x".repeat(43)}`;
const made = {
  id: "0123456789abcdef",
  name: "ci-website",
  scopes: ["build:read", "build:write", "store:read", "store:write"],
  createdAt: "2026-11-22T20:00:00.000Z",
};
const body = ({ body: sent }: { readonly body: Buffer }): unknown => JSON.parse(sent.toString());

describe("drover tokens create", () => {
  it("asks for what a CI needs when nothing is said, and prints the token alone", async () => {
    await using service = await startFaultService(() => ({ json: { ...made, token: text } }));
    const { stdout, stderr, code } = await runDrover(["tokens", "create", "ci-website"], service);
    expect({ stdout, code }).toEqual({ stdout: `${text}\n`, code: 0 });
    expect(stderr).toContain("0123456789abcdef");
    expect(stderr).toContain("good for build:read, build:write, store:read, store:write; never expires");
    expect(stderr).not.toContain(text);
    expect(service.requests).toMatchObject([{ method: "POST", path: "/v1/tokens" }]);
    expect(service.requests.map(body)).toEqual([{ name: "ci-website", scopes: made.scopes }]);
  });

  it("asks for the scopes and the days that are said, and gives programs all of it", async () => {
    const answer = { ...made, scopes: ["store:read"], expiresAt: "2026-12-22T20:00:00.000Z", token: text };
    await using service = await startFaultService(() => ({ json: answer }));
    const flags = ["--scope", "store:read", "--scope", "machine:read", "--expires-in-days", "30"];
    const { stdout, stderr } = await runDrover(["tokens", "create", "nix", ...flags, "--json"], service);
    expect({ stdout: JSON.parse(stdout), stderr }).toEqual({ stdout: answer, stderr: "" });
    expect(service.requests.map(body)).toEqual([
      { name: "nix", scopes: ["store:read", "machine:read"], expiresInDays: 30 },
    ]);
    const people = await runDrover(["tokens", "create", "nix", ...flags], service);
    expect(people.stderr).toContain("expires 2026-12-22");
  });

  it.each([
    [["tokens", "create", "two words"], "'two words' is no name for a token", "ci-website"],
    [["tokens", "create", "x", "--scope", "build"], "'build' is no scope", scopes.join(", ")],
  ])("exits 64 for %j without asking the service", async (args, message, remedy) => {
    await using service = await startFaultService(() => ({}));
    const { stdout, stderr, code } = await runDrover(args, service);
    expect({ stdout, code }).toEqual({ stdout: "", code: 64 });
    expect(stderr).toContain(message);
    expect(stderr).toContain(`(DROVER_USAGE)\nremedy: `);
    expect(stderr).toContain(remedy);
    expect(service.requests).toEqual([]);
  });

  it("names every scope in its help", async () => {
    const { stdout } = await runDrover(["tokens", "create", "--help"]);
    for (const scope of scopes) expect(stdout).toContain(scope);
  });

  it("asks once only: a lost answer would leave a token behind that nobody knows", async () => {
    await using service = await startFaultService(() => "drop");
    expect(await runDrover(["tokens", "create", "x"], service)).toMatchObject({ code: 69, stdout: "" });
    expect(service.requests).toHaveLength(1);
  });
});

describe("drover tokens list", () => {
  const soon = new Date(Date.now() + 86_400_000).toISOString();
  const tokens = [
    { ...made, lastUsedAt: new Date(Date.now() - 180_000).toISOString() },
    { ...made, id: "1".repeat(16), name: "nix", scopes: ["store:read"], expiresAt: soon },
    { ...made, id: "2".repeat(16), name: "old", scopes: ["admin"], expiresAt: "2026-01-02T00:00:00.000Z" },
  ];

  it("prints a row for each, with what it is good for and for how long", async () => {
    await using service = await startFaultService(() => ({ json: { tokens } }));
    const { stdout, stderr, code } = await runDrover(["tokens", "list"], service);
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    const rows = stdout.split("\n").map((line) => line.split(/ {2,}/));
    expect(rows).toEqual([
      ["ID", "NAME", "SCOPES", "CREATED", "EXPIRES", "LAST USED"],
      [made.id, "ci-website", "build:read,build:write,store:read,store:write", "2026-11-22", "never", "3 min ago"],
      ["1".repeat(16), "nix", "store:read", "2026-11-22", soon.slice(0, 10), "never"],
      ["2".repeat(16), "old", "admin", "2026-11-22", "expired 2026-01-02", "never"],
      [""],
    ]);
  });

  it("gives programs what the service says", async () => {
    await using service = await startFaultService(() => ({ json: { tokens } }));
    const { stdout } = await runDrover(["tokens", "list", "--json"], service);
    expect(JSON.parse(stdout)).toEqual({ tokens });
  });
});

describe("drover tokens revoke", () => {
  it("revokes each, goes on after one that is not there, and says which", async () => {
    await using service = await startFaultService(({ path }) =>
      path.endsWith("/gone") ? problem(404, "DROVER_TOKEN_UNKNOWN") : { json: made },
    );
    const { stdout, stderr, code } = await runDrover(["tokens", "revoke", "gone", made.id], service);
    expect(code).toBe(1);
    expect(stderr).toContain("(DROVER_TOKEN_UNKNOWN)");
    expect(stdout).toMatch(/^0123456789abcdef: revoked \(ci-website\)/);
    expect(service.requests.map(({ method }) => method)).toEqual(["DELETE", "DELETE"]);
  });

  it("sends the id alone of a token that is given whole", async () => {
    await using service = await startFaultService(() => ({ json: made }));
    expect(await runDrover(["tokens", "revoke", text, made.id], service)).toMatchObject({ code: 0 });
    expect(service.requests.map(({ path }) => path)).toEqual(["/v1/tokens/0123456789abcdef"]);
  });
});
