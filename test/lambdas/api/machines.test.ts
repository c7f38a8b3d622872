import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Deployment, startDeployment } from "./deployment.ts";

const hostKeyLine = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICV7N4ZzHqTUTqHyEKgQBBSgCq6r9TsuDPVwJ7vsEC3h root@itchy";
const hostKey = Buffer.from(`${hostKeyLine}\n`).toString("base64");
/** Of `ssh-keygen -lf` for that line. */
const fingerprint = "SHA256:0GbwdCmUQt3P574TVEwyLKCxXArMWpZd1Du3VuD9H9c";

let deployment: Deployment;
beforeAll(async () => {
  deployment = await startDeployment();
});
afterAll(() => deployment[Symbol.asyncDispose]());

const text = (jobs: number): string => `change-a x86_64-linux - ${jobs}\nchange-b x86_64-linux\n`;

describe("importing machines", () => {
  test("stores good lines, reports bad ones, and tells the scheduler", async () => {
    const { api, sent } = deployment;
    const body = `# two good, two bad\nnix@itchy x86_64-linux,i686-linux - 8 1 kvm - ${hostKey}\nscratchy\nlocal\nitchy - - x\n`;
    const imported = await api.json("importMachines", { body, query: { file: "/etc/nix/machines" } });
    expect(imported).toEqual({
      machines: [
        {
          name: "nix@itchy",
          outcome: "added",
          uri: "ssh://nix@itchy",
          systems: ["i686-linux", "x86_64-linux"],
          sshKey: null,
          maxJobs: 8,
          speedFactor: 1,
          supportedFeatures: ["kvm"],
          mandatoryFeatures: [],
          hostKey,
        },
        expect.objectContaining({ name: "scratchy", outcome: "added", systems: ["aarch64-linux"], hostKey: null }),
      ],
      errors: [
        expect.objectContaining({ file: "/etc/nix/machines", line: 4, code: "DROVER_MACHINE_SCHEME" }),
        expect.objectContaining({ file: "/etc/nix/machines", line: 5 }),
      ],
      lints: [],
    });
    expect(await sent("fleetEvents")).toEqual(
      expect.arrayContaining([
        { type: "machine-available", machine: "nix@itchy" },
        { type: "machine-available", machine: "scratchy" },
      ]),
    );
    expect(await api.json("listMachines")).toEqual({
      machines: [
        expect.objectContaining({ name: "nix@itchy", position: 0, trusted: true, hostKeyFingerprint: fingerprint }),
        expect.objectContaining({ name: "scratchy", position: 1, trusted: false, hostKeyFingerprint: null }),
      ],
    });
  });

  test("says what changed", async () => {
    const { api } = deployment;
    const outcomes = async (body: string, query: Record<string, string> = {}): Promise<unknown[]> => {
      const imported = Object(await api.json("importMachines", { body, query }));
      return imported.machines.map(({ outcome }: { outcome: string }) => outcome);
    };
    expect(await outcomes(text(1), { dryRun: "true" })).toEqual(["added", "added"]);
    expect(await outcomes(text(1))).toEqual(["added", "added"]);
    expect(await outcomes(text(1))).toEqual(["unchanged", "unchanged"]);
    expect(await outcomes(text(2), { dryRun: "true" })).toEqual(["changed", "unchanged"]);
    expect(await outcomes(text(2))).toEqual(["changed", "unchanged"]);
    expect(await outcomes(text(2), { dryRun: "false" })).toEqual(["unchanged", "unchanged"]);
  });

  test("stores nothing in a dry run, and takes the client's own system", async () => {
    const { api, sent } = deployment;
    await sent("fleetEvents");
    const query = { dryRun: "true", defaultSystem: "riscv64-linux" };
    const imported = await api.json("importMachines", { body: "dry", query });
    expect(imported).toMatchObject({ machines: [{ name: "dry", systems: ["riscv64-linux"] }] });
    expect(await sent("fleetEvents")).toEqual([]);
    expect(await api.problem("getMachine", { path: { machine: "dry" } })).toMatchObject({
      status: 404,
      code: "DROVER_MACHINE_UNKNOWN",
      subject: "dry",
    });
  });

  test("is refused when no line is good, with every error", async () => {
    const problem = await deployment.api.problem("importMachines", { body: "daemon\n@/etc/nix/more\n" });
    expect(problem).toMatchObject({ status: 422, code: "DROVER_NO_GOOD_MACHINE", subject: "builders" });
    expect(problem.errors?.map(({ line, code }) => [line, code])).toEqual([
      [1, "DROVER_MACHINE_SCHEME"],
      [2, "DROVER_MACHINE_INCLUDE"],
    ]);
  });

  test("of nothing is nothing", async () => {
    const empty = { machines: [], errors: [], lints: [] };
    expect(await deployment.api.json("importMachines", { body: "" })).toEqual(empty);
    expect(await deployment.api.json("importMachines", { body: "# none yet\n" })).toEqual(empty);
  });

  test("takes text only, and no parameter that it does not know", async () => {
    const { api } = deployment;
    const json = await api.problem("importMachines", { body: { machines: [] } });
    expect(json).toMatchObject({ status: 415, code: "DROVER_MEDIA_TYPE" });
    expect(json.remedy).toContain("text/plain");
    const misspelt = await api.problem("importMachines", { body: "a", query: { dryrun: "true", dryRun: "yes" } });
    expect(misspelt).toMatchObject({ status: 400, code: "DROVER_REQUEST_INVALID" });
    expect(misspelt.errors?.map(({ parameter }) => parameter).toSorted()).toEqual(["dryRun", "dryrun"]);
  });

  test("takes what arrives in base64", async () => {
    const { api } = deployment;
    const imported = await api.json("importMachines", { body: "encoded # é\n", base64: true });
    expect(imported).toMatchObject({ machines: [{ name: "encoded" }], errors: [] });
  });
});

describe("a machine", () => {
  test.each(["nix@[fe80::1%eth0]:2222", "mac:2200", "a@b"])("is found by its name %s", async (name) => {
    const { api } = deployment;
    await api.json("importMachines", { body: `ssh://${name}` });
    expect(await api.json("getMachine", { path: { machine: name } })).toMatchObject({
      name,
      running: 0,
      mode: "enabled",
    });
  });
});

describe("a token", () => {
  test("is asked for, and a wrong one refused", async () => {
    const { api } = deployment;
    const { headers, status } = await api.send("GET", "/v1/machines");
    expect(status).toBe(401);
    expect(headers["www-authenticate"]).toBe('Bearer realm="drover"');
    const wrong = await api.problem("listMachines", { headers: { authorization: "Bearer guess" } });
    expect(wrong).toMatchObject({ status: 401, code: "DROVER_TOKEN_WRONG" });
  });

  test("is not needed for what is public", async () => {
    const { api } = deployment;
    expect(JSON.parse((await api.send("GET", "/v1/health")).text)).toEqual({ status: "ok" });
    expect(JSON.parse((await api.send("GET", "/openapi.json")).text)).toMatchObject({ openapi: "3.1.0" });
    const stray = await api.send("GET", "/v1/health", { query: { deep: "true" } });
    expect(stray.status).toBe(400);
  });
});
