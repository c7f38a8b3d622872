import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hostKeyMismatch } from "../../../fleet/machine.ts";
import { type Deployment, startDeployment } from "./deployment.ts";
import { newKey, oldKey, rsaKey } from "./host-keys.ts";

let deployment: Deployment;
beforeAll(async () => {
  deployment = await startDeployment();
});
afterAll(() => deployment[Symbol.asyncDispose]());

const path = { machine: "nix@itchy" };

/** The machine anew, as somebody has imported it. */
async function reimport(line = `nix@itchy x86_64-linux - 4 1 - - ${oldKey.field}`): Promise<void> {
  const { api, sent } = deployment;
  const known = await deployment.cloud.machines.get(path.machine);
  if (known !== undefined) await api.json("removeMachine", { path });
  await api.json("importMachines", { body: line });
  await sent("fleetEvents");
}

async function etagOf(): Promise<string> {
  const { headers } = await deployment.api.call("getMachine", { path });
  return String(headers["etag"]);
}

const seen = (etag: string) => ({ "if-match": etag });
const available = { type: "machine-available", machine: path.machine };

describe("trusting host keys", () => {
  const trust = (keys: readonly string[], replace = false) => ({ path, body: { keys, replace } });

  test("of a machine that has none lets it take steps", async () => {
    const { api, sent } = deployment;
    await reimport("nix@itchy");
    expect(await api.json("getMachine", { path })).toMatchObject({ trusted: false, hostKey: null });
    expect(await api.json("trustMachine", trust([oldKey.line, rsaKey.line]))).toMatchObject({
      trusted: true,
      hostKeyFingerprint: `${oldKey.fingerprint}, ${rsaKey.fingerprint}`,
    });
    expect(await sent("fleetEvents")).toEqual([available]);
    const text = Buffer.from(Object(await api.json("getMachine", { path })).hostKey, "base64").toString();
    // Nix writes the host before the first line only.
    expect(text).toBe(`${oldKey.line}\nitchy ${rsaKey.line}\n`);
  });

  test("that are trusted already changes nothing, whatever their order and comments", async () => {
    const { api, sent } = deployment;
    await reimport("nix@itchy");
    await api.json("trustMachine", trust([oldKey.line, rsaKey.line]));
    const before = await etagOf();
    const bare = oldKey.line.split(" ").slice(0, 2).join(" ");
    const again = trust([`itchy ${rsaKey.line}`, bare, oldKey.line]);
    expect(await api.problem("trustMachine", { ...again, headers: seen('"stale"') })).toMatchObject({ status: 412 });
    const answer = await api.call("trustMachine", again);
    expect(answer).toMatchObject({ status: 200, headers: { etag: before } });
    // The first request may have failed before it came to this.
    expect(await sent("fleetEvents")).toEqual([available, available]);
  });

  test("in place of others has to be said", async () => {
    const { api } = deployment;
    await reimport();
    for (const keys of [[newKey.line], [oldKey.line, newKey.line]]) {
      const problem = await api.problem("trustMachine", trust(keys));
      expect(problem).toMatchObject({ status: 409, code: "DROVER_HOST_KEY_STORED", subject: path.machine });
      expect(problem.detail).toContain(oldKey.fingerprint);
      expect(problem.detail).toContain(newKey.fingerprint);
      expect(problem.remedy).toContain("drover machines trust --replace nix@itchy");
    }
    expect(await api.json("trustMachine", trust([newKey.line], true))).toMatchObject({
      hostKeyFingerprint: newKey.fingerprint,
    });
  });

  test("enables a machine that Drover has drained for its host key", async () => {
    const { api, cloud } = deployment;
    await reimport();
    const machine = await cloud.machines.get(path.machine);
    if (machine === undefined) throw new Error("it is gone");
    await cloud.machines.setHealth(machine, machine.health, { code: hostKeyMismatch, message: "another host key" });
    expect(await api.json("getMachine", { path })).toMatchObject({ mode: "drained" });
    expect(await api.json("trustMachine", trust([newKey.line], true))).toMatchObject({
      mode: "enabled",
      drainedFor: null,
    });
  });

  test("refuses what is no key, each with its place", async () => {
    const { api } = deployment;
    await reimport();
    const bad = ["AAAA", oldKey.line, `${oldKey.line}\n${newKey.line}`, "-----BEGIN OPENSSH PRIVATE KEY-----"];
    const problem = await api.problem("trustMachine", trust(bad, true));
    expect(problem).toMatchObject({ status: 422, code: "DROVER_HOST_KEY" });
    expect(problem.errors?.map(({ pointer }) => pointer)).toEqual(["/keys/0", "/keys/2", "/keys/3"]);
    expect(await api.json("getMachine", { path })).toMatchObject({ hostKeyFingerprint: oldKey.fingerprint });
    expect(await api.problem("trustMachine", trust([]))).toMatchObject({ status: 400 });
  });
});
