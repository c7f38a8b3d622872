import type { Token } from "../../lambdas/api/schema/tokens.ts";
import { revokeToken } from "../api/token-operations.ts";
import type { Context } from "../context.ts";
import { eachMachine } from "../fleet/each-machine.ts";

const tokenForm = /^drover_([0-9a-f]{16})_/;

/** Revokes tokens. One that is given whole is cut down to its id, so that the rest of it travels no further. */
export async function tokensRevoke(context: Context, given: readonly string[]): Promise<number> {
  const { stdout } = context;
  const client = await context.client();
  const ids = [...new Set(given.map((text) => tokenForm.exec(text)?.[1] ?? text))];
  return await eachMachine<Token>(context, ids, {
    what: async (id, signal) => await revokeToken(client, id, { signal }),
    tell: ({ id, name }) => stdout.line(`${stdout.style.bold(id)}: revoked (${name}); gone everywhere in a minute`),
  });
}
