import * as z from "zod";
import { DroverError } from "../../nix/drover-error.ts";

/** Why ECS does not protect the task, in its own words. `DEPLOYMENT_BLOCKED`: see `KeptProtection`. */
interface ProtectionRefusal {
  readonly reason: string;
  readonly detail?: string | undefined;
}

/** ECS's task scale-in protection: a protected task is not stopped by deployments and scaling. */
export interface TaskProtection {
  /**
   * Begins, prolongs or ends the protection of this task.
   *
   * @returns ECS's refusal, or undefined once it is as asked
   * @throws {DroverError} DROVER_TASK_PROTECTION when there is no answer, or an error: then it may be either way
   */
  set(isProtected: boolean, signal: AbortSignal): Promise<ProtectionRefusal | undefined>;
}

/**
 * Minutes for which protection is asked: the longest attempt (11 h 30 min) and some more, so that a refusal to prolong
 * it kills nothing. Nobody has to wait that long for nothing, since it is given up when the last attempt ends, and with
 * the task. ECS allows 2 880.
 */
const expiresInMinutes = 720;

/** The agent itself gives up asking ECS after some seconds, and says so. Milliseconds. */
const timeout = 8_000;

/** `failure` comes with HTTP 200, `error` with ECS's own status. */
const answerOfAgent = z.object({
  protection: z.object({ ProtectionEnabled: z.boolean() }).optional(),
  failure: z.object({ Reason: z.string(), Detail: z.string().nullish() }).optional(),
  error: z.object({ Code: z.string(), Message: z.string() }).optional(),
});

/**
 * Task protection by the endpoint that ECS gives to each container; it acts with the task's role, which needs
 * `ecs:UpdateTaskProtection`. Source: Amazon ECS Developer Guide, "Amazon ECS task scale-in protection endpoint".
 *
 * @param agentUri ECS_AGENT_URI of the container
 */
export function agentTaskProtection(agentUri: string): TaskProtection {
  const url = `${agentUri}/task-protection/v1/state`;
  return {
    async set(isProtected, signal) {
      const { protection, failure, error } = await ask(
        url,
        { ProtectionEnabled: isProtected, ...(isProtected && { ExpiresInMinutes: expiresInMinutes }) },
        AbortSignal.any([signal, AbortSignal.timeout(timeout)]),
      );
      if (error !== undefined) throw unanswered(`${error.Code}: ${error.Message}`, error.Code);
      if (failure !== undefined) return { reason: failure.Reason, detail: failure.Detail ?? undefined };
      if (protection?.ProtectionEnabled !== isProtected) throw unanswered("its answer is of something else");
      return undefined;
    },
  };
}

async function ask(url: string, body: object, signal: AbortSignal): Promise<z.infer<typeof answerOfAgent>> {
  try {
    const response = await fetch(url, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal,
    });
    return answerOfAgent.parse(await response.json());
  } catch (cause) {
    throw unanswered(`the agent's endpoint gave no answer that makes sense (${String(cause)})`, undefined, cause);
  }
}

function unanswered(what: string, code?: string, cause?: unknown): DroverError {
  return new DroverError("DROVER_TASK_PROTECTION", `ECS did not change the protection of the runner's task: ${what}`, {
    subject: "task protection",
    remedy:
      code === "AccessDeniedException"
        ? "Let the runner's task role do ecs:UpdateTaskProtection on its cluster's tasks, as Drover's stack does. Until then an upgrade breaks off what runs, and it is repeated."
        : "Builds go on and it is asked again; meanwhile an upgrade may break off what runs, and it is repeated.",
    details: { code },
    cause,
  });
}
