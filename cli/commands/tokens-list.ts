import type { Token } from "../../lambdas/api/schema/tokens.ts";
import { listTokens } from "../api/token-operations.ts";
import type { Context } from "../context.ts";
import { exitCode } from "../exit-code.ts";
import { writeJson } from "../terminal/output.ts";
import type { Style } from "../terminal/style.ts";
import { tableLines } from "../terminal/table.ts";
import { formatAge } from "../terminal/units.ts";

export async function tokensList(context: Context, { json = false }: { readonly json?: boolean }): Promise<number> {
  const { stdout, stderr, interrupted: signal } = context;
  const answer = await listTokens(await context.client(), { signal });
  if (json) writeJson(stdout, answer);
  else for (const line of tokenListLines(answer.tokens, Date.now(), stdout.style)) stdout.line(line);
  if (!json && answer.tokens.length === 0) stderr.line("no tokens");
  return exitCode.done;
}

/** A row for each token, the oldest first. */
function tokenListLines(tokens: readonly Token[], now: number, style: Style): string[] {
  const rows = tokens.map(({ id, name, scopes, createdAt, expiresAt, lastUsedAt }) => [
    id,
    name,
    scopes.join(","),
    day(createdAt),
    expiryCell(expiresAt, now, style),
    lastUsedAt === undefined ? style.dim("never") : formatAge(now - Date.parse(lastUsedAt)),
  ]);
  return tableLines(["ID", "NAME", "SCOPES", "CREATED", "EXPIRES", "LAST USED"], rows, style);
}

/** One that has expired is listed until DynamoDB clears it away. */
function expiryCell(expiresAt: string | undefined, now: number, style: Style): string {
  if (expiresAt === undefined) return style.dim("never");
  return Date.parse(expiresAt) > now ? day(expiresAt) : style.red(`expired ${day(expiresAt)}`);
}

function day(moment: string): string {
  return moment.slice(0, 10);
}
