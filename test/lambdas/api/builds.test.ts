import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BuildStep } from "../../../fleet/build.ts";
import type { Step } from "../../../fleet/step.ts";
import { storePathHash } from "../../../nix/store-path.ts";
import { type Deployment, freshHash, startDeployment } from "./deployment.ts";
import { uploadDerivations } from "./store-objects.ts";

let deployment: Deployment;
beforeAll(async () => {
  deployment = await startDeployment();
});
afterAll(() => deployment[Symbol.asyncDispose]());

async function submit(targets: unknown, more: object = {}, headers: Record<string, string> = {}) {
  return Object(await deployment.api.json("submitBuild", { body: { targets, ...more }, headers }));
}

describe("submitting", () => {
  test("creates a build in planning and asks for its plan", async () => {
    const [drvPath = "", other = ""] = await uploadDerivations(deployment, "first", "second");
    await deployment.sent("plans");
    const answer = await deployment.api.call("submitBuild", {
      body: {
        targets: [{ drvPath, outputs: ["out", "dev"] }, { drvPath: other }, { drvPath, outputs: ["doc"] }],
        priority: 70,
      },
    });
    expect(answer.status).toBe(202);
    const build = JSON.parse(answer.text);
    expect(answer.headers["location"]).toBe(`/v1/builds/${build.id}`);
    expect(build).toMatchObject({
      state: "planning",
      submitter: "embedded",
      priority: 70,
      keepGoing: false,
      targets: [
        { drvPath, outputs: ["out", "dev", "doc"] },
        { drvPath: other, outputs: [] },
      ],
      targetCount: 2,
      targetsLeft: 2,
    });
    expect(await deployment.sent("plans")).toEqual([{ build: build.id }]);
    const stored = await deployment.cloud.builds.get(build.id);
    expect(new Set(stored?.waitingOn)).toEqual(new Set([storePathHash(drvPath), storePathHash(other)]));
  });

  test("with one key twice, also at the same moment, is one build", async () => {
    const [drvPath = ""] = await uploadDerivations(deployment, "idempotent");
    await deployment.sent("plans");
    const headers = { "idempotency-key": "ci-run-17" };
    const builds = await Promise.all([1, 2, 3, 4].map(() => submit([{ drvPath }], {}, headers)));
    builds.push(await submit([{ drvPath }], {}, headers));
    expect(new Set(builds.map(({ id }) => id)).size).toBe(1);
    const plans = await deployment.sent("plans");
    expect(plans.length).toBeGreaterThan(0);
    expect(plans.every((plan) => Object(plan).build === builds[0].id)).toBe(true);
    const reused = await deployment.api.problem("submitBuild", {
      body: { targets: [{ drvPath }], priority: 1 },
      headers,
    });
    expect(reused).toMatchObject({ status: 422, code: "DROVER_IDEMPOTENCY_KEY_REUSED", subject: builds[0].id });
  });

  test("without a key twice is two builds", async () => {
    const [drvPath = ""] = await uploadDerivations(deployment, "again");
    const [one, two] = [await submit([{ drvPath }]), await submit([{ drvPath }])];
    expect(one.id < two.id).toBe(true);
  });

  test("refuses what is no derivation, naming each", async () => {
    const path = `/nix/store/${freshHash()}-hello`;
    const targets = [{ drvPath: path }, { drvPath: "flake#hello" }];
    const problem = await deployment.api.problem("submitBuild", { body: { targets } });
    expect(problem).toMatchObject({ status: 422, code: "DROVER_NOT_A_DERIVATION", subject: path });
    expect(problem.errors?.map(({ pointer, subject }) => [pointer, subject])).toEqual([
      ["/targets/0/drvPath", path],
      ["/targets/1/drvPath", "flake#hello"],
    ]);
    expect(problem.remedy).toContain("nix-instantiate");
  });

  test("refuses derivations that nobody has uploaded, naming each", async () => {
    const [uploaded = ""] = await uploadDerivations(deployment, "uploaded");
    const absent = `/nix/store/${freshHash()}-absent.drv`;
    const targets = [{ drvPath: uploaded }, { drvPath: absent }];
    const problem = await deployment.api.problem("submitBuild", { body: { targets } });
    expect(problem).toMatchObject({ status: 422, code: "DROVER_CLOSURE_INCOMPLETE", subject: absent });
    expect(problem.errors?.map(({ subject }) => subject)).toEqual([absent]);
  });

  test.each([
    ["/targets", {}],
    ["/targets", { targets: [] }],
    ["/priority", { targets: [{ drvPath: "x" }], priority: 101 }],
    ["/keepgoing", { targets: [{ drvPath: "x" }], keepgoing: true }],
    ["/targets/0/outputs/0", { targets: [{ drvPath: "x", outputs: ["a b"] }] }],
  ])("refuses a body with a wrong %s", async (pointer, body) => {
    const problem = await deployment.api.problem("submitBuild", { body });
    expect(problem).toMatchObject({
      status: 400,
      code: "DROVER_REQUEST_INVALID",
      errors: [expect.objectContaining({ pointer })],
    });
  });

  test("takes as many derivations as a table's item does, and refuses more with a reason", async () => {
    const paths = await uploadDerivations(deployment, ...Array.from({ length: 30 }, (_, index) => `many-${index}`));
    const outputs = Array.from({ length: 30 }, (_, index) => `${"o".repeat(200)}${index}`);
    const build = await submit(paths.map((drvPath) => ({ drvPath, outputs })));
    expect(build).toMatchObject({ targetCount: 30, targetsLeft: 30 });
    expect(build.targets).toHaveLength(10);
    const shown = Object(await deployment.api.json("getBuild", { path: { build: build.id } }));
    expect(shown.targets).toEqual(paths.map((drvPath) => ({ drvPath, outputs })));
    const targets = Array.from({ length: 5_000 }, () => ({
      drvPath: `/nix/store/${freshHash()}-${"n".repeat(60)}.drv`,
    }));
    const problem = await deployment.api.problem("submitBuild", { body: { targets } });
    expect(problem).toMatchObject({ status: 422, code: "DROVER_TOO_MANY_TARGETS" });
  });
});

const listed = (build: string, name: string, more: Partial<BuildStep> = {}): BuildStep => {
  const hash = freshHash();
  const drvPath = `/nix/store/${hash}-${name}.drv`;
  return { build, step: hash, drvPath, name, state: "planning", target: false, changedAt: Date.now(), ...more };
};

const asStep = (entry: BuildStep, more: Partial<Step> = {}): Step => ({
  id: entry.step,
  drvPath: entry.drvPath,
  name: entry.name,
  requirementClass: "x86_64-linux",
  priority: 50,
  state: "planning",
  waitingOn: [],
  attempt: 0,
  faults: 0,
  createdAt: Date.now(),
  changedAt: Date.now(),
  ...more,
});

describe("reading builds", () => {
  test("lists the newest first, page by page", async () => {
    const [drvPath = ""] = await uploadDerivations(deployment, "listed");
    const ids: string[] = [];
    for (let count = 0; count < 5; count++) ids.unshift((await submit([{ drvPath }])).id);
    const first = Object(await deployment.api.json("listBuilds", { query: { limit: "3" } }));
    const second = Object(await deployment.api.json("listBuilds", { query: { limit: "2", cursor: first.next } }));
    expect([...first.builds, ...second.builds].map(({ id }: { id: string }) => id)).toEqual(ids);
  });

  test("counts and lists the steps of a build", async () => {
    const [drvPath = ""] = await uploadDerivations(deployment, "counted");
    const { id } = await submit([{ drvPath }]);
    const entries = Array.from({ length: 7 }, (_, index) => listed(id, `step-${index}`));
    await deployment.cloud.builds.addSteps(id, entries);
    for (const entry of entries.slice(0, 3)) {
      await deployment.cloud.builds.reflect(id, asStep(entry, { state: "ready" }), "all slots are held");
    }
    const build = Object(await deployment.api.json("getBuild", { path: { build: id } }));
    expect(build.steps).toMatchObject({ planning: 4, ready: 3, succeeded: 0 });
    const names: string[] = [];
    let cursor: string | undefined;
    do {
      const query = { limit: "3", ...(cursor !== undefined && { cursor }) };
      const page = Object(await deployment.api.json("listBuildSteps", { path: { build: id }, query }));
      names.push(...page.steps.map(({ name }: BuildStep) => name));
      cursor = page.next;
    } while (cursor !== undefined);
    expect(names).toEqual(entries.map(({ name }) => name));
  });

  test("knows no build of another name", async () => {
    for (const id of ["getBuild", "listBuildSteps", "getBuildChanges"] as const) {
      const problem = await deployment.api.problem(id, { path: { build: "bld_nope" } });
      expect(problem).toMatchObject({ status: 404, code: "DROVER_BUILD_UNKNOWN", subject: "bld_nope" });
    }
  });

  test("refuses a cursor that is none, and bad limits", async () => {
    const [drvPath = ""] = await uploadDerivations(deployment, "cursor");
    const { id } = await submit([{ drvPath }]);
    const path = { build: id };
    const cursor = await deployment.api.problem("listBuildSteps", { path, query: { cursor: "%%%" } });
    expect(cursor).toMatchObject({ status: 400, code: "DROVER_CURSOR" });
    const limit = await deployment.api.problem("listBuildSteps", { path, query: { limit: "0", page: "2" } });
    expect(limit.errors?.map(({ parameter }) => parameter).toSorted()).toEqual(["limit", "page"]);
  });
});

const changes = async (build: string, query: Record<string, string>) =>
  Object(await deployment.api.json("getBuildChanges", { path: { build }, query }));

describe("following a build", () => {
  test("answers at once with what there is, waits for more, and answers when it comes", async () => {
    const [drvPath = ""] = await uploadDerivations(deployment, "followed");
    const { id } = await submit([{ drvPath }]);
    const entry = listed(id, "followed", { target: true });
    await deployment.cloud.builds.addSteps(id, [entry]);
    const first = await changes(id, { wait: "20" });
    expect(first.steps).toEqual([expect.objectContaining({ step: entry.step, state: "planning", target: true })]);
    expect(first.build).toMatchObject({ id, state: "planning" });

    const idle = performance.now();
    const second = await changes(id, { since: first.next, wait: "1" });
    expect(performance.now() - idle).toBeGreaterThan(950);

    const started = performance.now();
    const waiting = changes(id, { since: second.next, wait: "20" });
    setTimeout(() => void deployment.cloud.builds.reflect(id, asStep(entry, { state: "ready" }), "no machine"), 300);
    const third = await waiting;
    expect(performance.now() - started).toBeLessThan(3_000);
    expect(third.steps).toEqual([expect.objectContaining({ state: "ready", waiting: "no machine" })]);
  });

  test("notes that somebody follows, but not with every question", async () => {
    const [drvPath = ""] = await uploadDerivations(deployment, "noted");
    const { id } = await submit([{ drvPath }]);
    const before = Date.now();
    await changes(id, {});
    const until = (await deployment.cloud.builds.get(id))?.followedUntil ?? 0;
    expect(until).toBeGreaterThanOrEqual(before + 60_000);
    await changes(id, {});
    expect((await deployment.cloud.builds.get(id))?.followedUntil).toBe(until);
  });

  test("ends with the build", async () => {
    const [drvPath = ""] = await uploadDerivations(deployment, "ending");
    const { id } = await submit([{ drvPath }]);
    const { next } = await changes(id, {});
    const waiting = changes(id, { since: next, wait: "20" });
    await deployment.cloud.builds.fail(id, { kind: "refused", code: "DROVER_X", message: "no" }, Date.now());
    const last = await waiting;
    expect(last.build).toMatchObject({
      state: "failed",
      failure: { kind: "refused", code: "DROVER_X" },
      targetsLeft: 0,
    });
    expect(last.build.finishedAt).toMatch(/Z$/);
    const again = performance.now();
    await changes(id, { since: last.next, wait: "20" });
    expect(performance.now() - again).toBeLessThan(1_000);
  });

  test.each(["yesterday", "-1", "1.2.3"])("refuses to begin at %s", async (since) => {
    const problem = await deployment.api.problem("getBuildChanges", { path: { build: "bld_x" }, query: { since } });
    expect(problem).toMatchObject({ status: 400, subject: "since" });
  });
});
