import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { agentTaskProtection, type TaskProtection } from "../../../runner/upgrade/task-protection.ts";
import { readTaskIdentity } from "../../../runner/upgrade/task-identity.ts";
import { failure } from "../failure.ts";
import { answers, type EcsAgent, startEcsAgent } from "./ecs-agent.ts";

let agent: EcsAgent;
let protection: TaskProtection;
const never = new AbortController().signal;

beforeEach(async () => {
  agent = await startEcsAgent(7);
  protection = agentTaskProtection(agent.environment.ECS_AGENT_URI);
});

afterEach(async () => {
  await agent[Symbol.asyncDispose]();
});

describe("the endpoint of ECS's agent", () => {
  it("is asked to protect for longer than the longest attempt, and to protect no more", async () => {
    expect(await protection.set(true, never)).toBeUndefined();
    expect(await protection.set(false, never)).toBeUndefined();
    expect(agent.requests).toEqual([
      {
        method: "PUT",
        contentType: "application/json",
        body: { ProtectionEnabled: true, ExpiresInMinutes: 720 },
      },
      { method: "PUT", contentType: "application/json", body: { ProtectionEnabled: false } },
    ]);
  });

  it("refuses with a reason, which is no error", async () => {
    agent.answer = answers.refused("DEPLOYMENT_BLOCKED");
    expect(await protection.set(true, never)).toEqual({ reason: "DEPLOYMENT_BLOCKED" });
    agent.answer = answers.refused("TASK_NOT_VALID");
    expect(await protection.set(true, never)).toEqual({ reason: "TASK_NOT_VALID" });
  });

  it.each([
    ["denies", answers.denied, "AccessDeniedException", "ecs:UpdateTaskProtection"],
    ["has not heard from ECS", answers.timedOut, "RequestCanceled", "asked again"],
    ["is throttled", answers.throttled, "ThrottlingException", "asked again"],
  ])("%s, which is told with its remedy", async (_what, answer, code, remedy) => {
    agent.answer = answer;
    const error = await failure(protection.set(true, never));
    expect(error.code).toBe("DROVER_TASK_PROTECTION");
    expect(error.message).toContain(code);
    expect(error.remedy).toContain(remedy);
  });

  it.each([
    ["of something else", { status: 200, body: { protection: { ProtectionEnabled: false } } }],
    ["of nothing", { status: 200, body: {} }],
    ["of another kind", { status: 200, body: [] }],
  ])("does not answer the question: %s", async (_what, answer) => {
    agent.answer = () => answer;
    expect((await failure(protection.set(true, never))).code).toBe("DROVER_TASK_PROTECTION");
  });

  it("is not waited for when the runner ends, and may be gone", async () => {
    agent.answer = () => "silent";
    const started = performance.now();
    const error = await failure(protection.set(true, AbortSignal.timeout(100)));
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(error.code).toBe("DROVER_TASK_PROTECTION");
    const nobody = agentTaskProtection("http://127.0.0.1:1");
    expect((await failure(nobody.set(true, never))).code).toBe("DROVER_TASK_PROTECTION");
  });

  it("tells the task and its version", async () => {
    expect(await readTaskIdentity(agent.environment.ECS_CONTAINER_METADATA_URI_V4, never)).toEqual({
      task: agent.task,
      definition: "drover-runner:7",
    });
  });
});
