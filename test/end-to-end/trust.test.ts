import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requestedInspection } from "../../lambdas/api/schema/inspections.ts";
import { machine as machineSchema, type Machine } from "../../lambdas/api/schema/machines.ts";
import { runCommand } from "../machines/run-command.ts";
import { type Stack, startStack } from "./stack.ts";

/** A machine whose line has no host key, from the import to the day on which it has another one. */
let stack: Stack;
let name: string;
beforeAll(async () => {
  stack = await startStack({
    unregistered: true,
    machines: [{ name: "itchy", maxJobs: 2, hostKeyTypes: ["ed25519", "ecdsa"], supportedFeatures: ["kvm"] }],
  });
  const { user, host, port } = stack.fleet.machine("itchy");
  name = `${user}@${host}${port === 22 ? "" : `:${port}`}`;
});
afterAll(() => stack[Symbol.asyncDispose]());

const drover = (...args: string[]) => stack.deployment.drover(args);
const shown = async (): Promise<Machine> =>
  machineSchema.parse(await stack.deployment.droverJson(["machines", "show", name, "--json"]));

async function fingerprint(): Promise<string> {
  const { stdout } = await runCommand("ssh-keygen", ["-lf", stack.fleet.machine("itchy").hostKeyFile]);
  return /SHA256:\S+/.exec(stdout)?.[0] ?? "";
}

describe("a machine without a host key", () => {
  it("is imported as untrusted, and gets no build", async () => {
    const line = stack.fleet.machine("itchy").specLine().split(" ").with(7, "-").join(" ");
    const imported = await stack.deployment.drover(["machines", "import", "-"], { input: line });
    expect(imported).toMatchObject({ code: 0 });
    expect(imported.stderr).toContain(`drover machines trust ${name}`);
    const id = await stack.submit(await stack.instantiate("trivial"));
    await expect.poll(async () => (await stack.steps(id))[0]?.waiting).toContain("drover machines trust");
    expect(await shown()).toMatchObject({ trusted: false, running: 0 });
  });

  it("is not trusted without a yes, nor with another fingerprint", async () => {
    expect(await drover("machines", "trust", name)).toMatchObject({ code: 64 });
    const wrong = await drover("machines", "trust", name, "--fingerprint", `SHA256:${"A".repeat(43)}`);
    expect(wrong).toMatchObject({ code: 1 });
    expect(wrong.stderr).toContain(await fingerprint());
    expect(await shown()).toMatchObject({ trusted: false });
  });

  it("is trusted with its fingerprint, and builds what waited for it", async () => {
    expect(await drover("machines", "trust", name, "--fingerprint", await fingerprint())).toMatchObject({ code: 0 });
    expect(await shown()).toMatchObject({ trusted: true, hostKeyFingerprint: await fingerprint() });
    const id = await stack.submit(await stack.instantiate("trivial"));
    expect(await stack.finished(id)).toMatchObject({ state: "succeeded" });
  });

  it("stays trusted when its line is imported again, which changes nothing", async () => {
    const line = stack.fleet.machine("itchy").specLine().split(" ").with(7, "-").join(" ");
    const before = await shown();
    const again = await stack.deployment.drover(["machines", "import", "-", "--json"], { input: line });
    expect(JSON.parse(again.stdout)).toMatchObject({ machines: [{ name, outcome: "unchanged" }] });
    expect((await shown()).etag).toBe(before.etag);
  });

  it("is exported with the key that was confirmed", async () => {
    const { stdout } = await drover("machines", "export");
    const [, , , , , , , field = ""] =
      stdout
        .split("\n")
        .find((line) => line.startsWith("ssh"))
        ?.split(" ") ?? [];
    const [, key = "none"] = Buffer.from(field, "base64").toString().trim().split(" ");
    expect(Buffer.from(stack.fleet.machine("itchy").hostKey, "base64").toString()).toContain(key);
  });
});

describe("ping", () => {
  it("passes every row at a healthy machine, and says so where machines are listed", async () => {
    const { code, stdout, stderr } = await drover("machines", "ping", name);
    expect(code, stdout + stderr).toBe(0);
    const { inspection } = await shown();
    expect(inspection).toMatchObject({ works: true, outdated: false });
    const outcomes = Object.fromEntries((inspection?.checks ?? []).map(({ check, outcome }) => [check, outcome]));
    expect(outcomes).toMatchObject({ dns: "passed", "host-key": "passed", "trusted-user": "passed", system: "passed" });
  });

  it("is an operation of the API for every client", async () => {
    const path = `/v1/machines/${encodeURIComponent(name)}/inspections`;
    const asked = await stack.deployment.api(path, { method: "POST" });
    expect(asked.status).toBe(202);
    const { id } = requestedInspection.parse(await asked.json());
    const made = requestedInspection.parse(await (await stack.deployment.api(`${path}/${id}?wait=20`)).json());
    expect(made).toMatchObject({ state: "finished", inspection: { machine: name, works: true } });
  });
});

describe("a machine whose host key has changed", () => {
  it("is drained by the first step that meets it, and everybody is told", async () => {
    await stack.fleet.machine("itchy").changeHostKey();
    await stack.fleet.machine("itchy").killSessions();
    const id = await stack.submit(await stack.instantiate("trivial"));
    await expect.poll(async () => (await shown()).mode, { timeout: 20_000 }).toBe("drained");
    expect(await shown()).toMatchObject({ drainedFor: { code: "DROVER_HOST_KEY_MISMATCH" }, running: 0 });
    const list = await drover("machines", "list");
    expect(list.stdout).toMatch(/HOST KEY CHANGED/);
    expect((await drover("machines", "show", name)).stdout).toMatch(/HOST KEY CHANGED/);
    await expect.poll(async () => (await stack.steps(id))[0]?.waiting).toMatch(/not the machine it was/);
    const [step] = await stack.steps(id);
    expect((await drover("why", step?.step ?? "")).stdout).toMatch(/not the machine it was/);
  });

  it("is not trusted again by accident", async () => {
    const refused = await drover("machines", "trust", name, "--fingerprint", await fingerprint());
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toContain("--replace");
    const pinged = await drover("machines", "ping", name);
    expect(pinged).toMatchObject({ code: 1 });
    expect(pinged.stdout + pinged.stderr).toContain("--replace");
  });

  it("is used again once the new key is trusted in place of the old one", async () => {
    const trusted = await drover("machines", "trust", name, "--replace", "--fingerprint", await fingerprint());
    expect(trusted).toMatchObject({ code: 0 });
    expect(await shown()).toMatchObject({ mode: "enabled", drainedFor: null, hostKeyFingerprint: await fingerprint() });
    const id = await stack.submit(await stack.instantiate("trivial"));
    expect(await stack.finished(id)).toMatchObject({ state: "succeeded" });
  });
});
