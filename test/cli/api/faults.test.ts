import { describe, expect, it } from "vitest";
import { problem, startFaultService } from "../fault-service.ts";
import { runDrover } from "../run-drover.ts";

const noMachines = { json: { machines: [], etag: '"0"' } };

describe("a command", () => {
  it("sends its token, and prints what the service answers", async () => {
    await using service = await startFaultService(() => noMachines);
    const { stdout, stderr, code } = await runDrover(["machines", "list", "--json"], service);
    expect({ stdout: JSON.parse(stdout), stderr, code }).toEqual({ stdout: noMachines.json, stderr: "", code: 0 });
    expect(service.requests.map(({ headers }) => headers.authorization)).toEqual(["Bearer secret-token"]);
  });

  it("prints a problem with its code, remedy and details, and exits 1", async () => {
    const errors = [{ pointer: "/targets/0", message: "is no derivation" }];
    await using service = await startFaultService(() => problem(422, "DROVER_REQUEST", { errors }));
    const { stdout, stderr, code } = await runDrover(["machines", "list"], service);
    expect({ stdout, code }).toEqual({ stdout: "", code: 1 });
    expect(stderr).toBe(
      "error: There is a fault, on purpose. (DROVER_REQUEST)\n  /targets/0: is no derivation\nremedy: Do something about it.\n",
    );
  });

  it.each([
    [401, "Unauthorized", /no token arrived with it\. \(DROVER_TOKEN_MISSING\)\nremedy: Set DROVER_TOKEN/],
    [403, "Forbidden", /unknown, expired or revoked\. \(DROVER_TOKEN_WRONG\)\nremedy: .*drover tokens create NAME/],
  ])("says of API Gateway's own %i what the service would say", async (status, message, said) => {
    await using service = await startFaultService(() => ({ status, json: { message } }));
    const { stdout, stderr, code } = await runDrover(["machines", "list"], service);
    expect({ stdout, code }).toEqual({ stdout: "", code: 1 });
    expect(stderr).toMatch(/^error: GET \/v1\/machines was refused: /);
    expect(stderr).toMatch(said);
    expect(service.requests).toHaveLength(1);
  });

  it.each([
    [403, { message: "Forbidden", by: "a firewall" }],
    [403, { message: "Access Denied" }],
    [401, { error: "Unauthorized" }],
  ])("makes sense of a %i that is neither's: %j", async (status, json) => {
    await using service = await startFaultService(() => ({ status, json }));
    const { stderr, code } = await runDrover(["machines", "list"], service);
    expect(code).toBe(1);
    expect(stderr).toContain(`GET /v1/machines was answered with HTTP status ${status}: ${JSON.stringify(json)}`);
    expect(stderr).toMatch(new RegExp(`\\(DROVER_HTTP_${status}\\)\\nremedy: Check DROVER_TOKEN`));
  });

  it("tries again when the connection breaks", async () => {
    await using service = await startFaultService((_, index) => (index < 2 ? "drop" : noMachines));
    const { code } = await runDrover(["machines", "list"], service);
    expect(code).toBe(0);
    expect(service.requests).toHaveLength(3);
  });

  it("tries again when the service is busy, after the pause that it asks for", async () => {
    const times: number[] = [];
    await using service = await startFaultService((_, index) => {
      times.push(performance.now());
      return index === 0 ? { ...problemJson(503), headers: { "retry-after": "1" } } : noMachines;
    });
    expect((await runDrover(["machines", "list"], service)).code).toBe(0);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(950);
  });

  it.each([429, 503])("exits 75 when the service stays busy (%i)", async (status) => {
    const reply = { ...problemJson(status), headers: { "retry-after": "600" } };
    await using service = await startFaultService(() => reply);
    const { stderr, code } = await runDrover(["builds", "list"], service);
    expect(code).toBe(75);
    expect(stderr).toContain("(DROVER_BUSY)");
    expect(service.requests).toHaveLength(1);
  });

  it("does not repeat what will not get better", async () => {
    await using service = await startFaultService(() => problem(404, "DROVER_MACHINE_UNKNOWN"));
    expect((await runDrover(["machines", "show", "nix@mac:2222"], service)).code).toBe(1);
    expect(service.requests.map(({ path }) => path)).toEqual(["/v1/machines/nix%40mac%3A2222"]);
  });

  it("exits 69 when nobody answers", async () => {
    const service = await startFaultService(() => "drop");
    await service[Symbol.asyncDispose]();
    const { stderr, code } = await runDrover(["why", "s"], service);
    expect(code).toBe(69);
    expect(stderr).toMatch(
      /^error: the service at http:\/\/127\.0\.0\.1:\d+ can't be reached: .*ECONNREFUSED.*\(DROVER_UNREACHABLE\)\nremedy: Start it \(`drover up`/,
    );
  });

  it.each([
    ["something that is not JSON", { text: "<html>hello</html>" }, "it is not JSON"],
    ["JSON of another kind", { json: { machines: [{ name: 5 }] } }, "machines.0.name"],
  ])("refuses %s", async (_, reply, message) => {
    await using service = await startFaultService(() => reply);
    const { stderr, code } = await runDrover(["machines", "list"], service);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
    expect(stderr).toContain("(DROVER_API_ANSWER)");
  });

  it("never takes its token to another service", async () => {
    await using other = await startFaultService(() => noMachines);
    await using service = await startFaultService(() => ({
      status: 307,
      headers: { location: `${other.url}/v1/machines` },
    }));
    expect((await runDrover(["machines", "list"], service)).code).toBe(69);
    expect(other.requests).toEqual([]);
  });
});

function problemJson(status: number): { status: number; json: unknown } {
  const reply = problem(status, "DROVER_BUSY");
  return { status, json: typeof reply === "string" ? undefined : reply.json };
}
