import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Deployment, startDeployment } from "./deployment.ts";
import { oldKey } from "./host-keys.ts";

const { field: hostKey, fingerprint } = oldKey;

let deployment: Deployment;
beforeAll(async () => {
  deployment = await startDeployment();
});
afterAll(() => deployment[Symbol.asyncDispose]());

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
          changes: [],
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
      absent: [],
      errors: [
        expect.objectContaining({ file: "/etc/nix/machines", line: 4, code: "DROVER_MACHINE_SCHEME" }),
        expect.objectContaining({ file: "/etc/nix/machines", line: 5 }),
      ],
      lints: [],
      etag: expect.stringMatching(/^"[0-9a-f]{12}"$/),
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
      etag: Object(imported).etag,
    });
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
    expect(await deployment.api.json("importMachines", { body: "" })).toMatchObject(empty);
    expect(await deployment.api.json("importMachines", { body: "# none yet\n" })).toMatchObject(empty);
  });

  test("takes text and the parts of one, and no parameter that it does not know", async () => {
    const { api } = deployment;
    const headers = { "content-type": "text/html" };
    const page = await api.problem("importMachines", { body: "<p>", headers });
    expect(page).toMatchObject({ status: 415, code: "DROVER_MEDIA_TYPE" });
    expect(page.remedy).toContain("text/plain");
    expect(page.remedy).toContain("application/json");
    const misspelt = await api.problem("importMachines", { body: "a", query: { dryrun: "true", dryRun: "yes" } });
    expect(misspelt).toMatchObject({ status: 400, code: "DROVER_REQUEST_INVALID" });
    expect(misspelt.errors?.map(({ parameter }) => parameter).toSorted()).toEqual(["dryRun", "dryrun"]);
  });

  test("says of parts what is wrong with them", async () => {
    const { api } = deployment;
    const pointers = async (body: unknown, headers = {}) =>
      (await api.problem("importMachines", { body, headers })).errors?.map(({ pointer }) => pointer).toSorted();
    expect(await pointers({ parts: [{ file: "", text: "a" }, { text: 1 }], route: {} })).toEqual([
      "/parts/0/file",
      "/parts/1/file",
      "/parts/1/text",
      "/route",
    ]);
    // A text is one only where the header says so.
    expect(await pointers('"builder"', { "content-type": "application/json" })).toEqual([""]);
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
