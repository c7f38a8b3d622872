import * as z from "zod";
import { DroverError } from "../../nix/drover-error.ts";
import { problem } from "../../lambdas/api/schema/problem.ts";

/** What went wrong, as the service says it, or as well as it can be told from an answer that is not the service's. */
export async function problemOf(response: Response, asked: string): Promise<DroverError> {
  const { status } = response;
  const text = await response.text().catch(() => "");
  const parsed = problem.safeParse(jsonOf(text));
  if (parsed.success && isCode(parsed.data.code)) {
    const { code, detail, remedy, subject, requestId, errors, lints } = parsed.data;
    return new DroverError(code, detail, {
      ...(remedy !== undefined && { remedy }),
      ...(subject !== undefined && { subject }),
      details: { status, requestId, ...(errors && { errors }), ...(lints && { lints }) },
    });
  }
  const refused = gatewayRefusal(status, jsonOf(text), asked);
  if (refused !== undefined) return refused;
  const said = text === "" ? response.statusText : text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return new DroverError(`DROVER_HTTP_${status}`, `${asked} was answered with HTTP status ${status}: ${said.trim()}`, {
    remedy: remedyFor(status),
    details: { status },
  });
}

const gatewayAnswer = z.strictObject({ message: z.enum(["Unauthorized", "Forbidden"]) });

/**
 * What API Gateway says itself, without the service: 401 where there is no token, 403 where the authorizer takes it for
 * none (its developer guide, "Control access to HTTP APIs with AWS Lambda authorizers").
 */
function gatewayRefusal(status: number, answer: unknown, asked: string): DroverError | undefined {
  const message = gatewayAnswer.safeParse(answer).data?.message;
  if (status === 401 && message === "Unauthorized") {
    return new DroverError("DROVER_TOKEN_MISSING", `${asked} was refused: no token arrived with it`, {
      remedy: "Set DROVER_TOKEN to a token of this deployment, and look whether a proxy takes the header away.",
      details: { status },
    });
  }
  if (status === 403 && message === "Forbidden") {
    return new DroverError("DROVER_TOKEN_WRONG", `${asked} was refused: the token is unknown, expired or revoked`, {
      remedy:
        "Check DROVER_TOKEN, or your profile. Whoever has an admin token makes another one (drover tokens create " +
        "NAME); whoever has AWS credentials for the deployment makes an admin token (drover tokens first).",
      details: { status },
    });
  }
  return undefined;
}

function remedyFor(status: number): string {
  if (status === 401 || status === 403) return "Check DROVER_TOKEN: the service does not accept it.";
  if (status === 429 || status === 503) return "Try again later: the service is busy.";
  if (status >= 500) return "Try again; if it stays, look into the service's log.";
  return "Check that DROVER_URL is the address of a Drover service.";
}

function isCode(code: string): code is `DROVER_${string}` {
  return code.startsWith("DROVER_");
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
