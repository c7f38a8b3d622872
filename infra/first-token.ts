import { randomBytes } from "node:crypto";
import { dynamoDbClient } from "../cloud/dynamodb/client.ts";
import { dynamoDbStores } from "../cloud/dynamodb/stores.ts";
import { tokenSha256, tokenText } from "../fleet/token.ts";
import { DroverError } from "../nix/drover-error.ts";
import { awsFault } from "./aws-fault.ts";
import { parseOptions } from "./options.ts";

/**
 * What `drover tokens first` starts: makes an admin token with AWS credentials, as the SDK finds them. The table gets its
 * hash; the token itself goes to standard output and nowhere else, CloudFormation least of all.
 */
async function firstToken(deployment: string): Promise<void> {
  const { name } = parseOptions({ name: deployment });
  const client = dynamoDbClient({ caller: "drover-first-token" });
  const id = randomBytes(8).toString("hex");
  const text = tokenText(id, randomBytes(32));
  const token = { id, name: "first-admin", scopes: ["admin"], sha256: tokenSha256(text) } as const;
  let region = "";
  let made: boolean;
  try {
    region = await client.config.region();
    const { tokens } = dynamoDbStores({ client, name });
    made = await tokens.create({ ...token, createdAt: Date.now(), expiresAt: null, lastUsedAt: null });
  } catch (error) {
    throw awsFault(error, name, region);
  } finally {
    client.destroy();
  }
  if (!made) throw new Error(`two tokens have the id ${id}`);
  console.error(`token ${id}: good for everything, never expires; made for ${name} in ${region}`);
  console.log(text);
}

try {
  await firstToken(process.argv[2] ?? "drover");
} catch (error) {
  if (!(error instanceof DroverError)) throw error;
  console.error(`error: ${error.message.replace(/\.$/, "")}. (${error.code})`);
  if (error.remedy !== undefined) console.error(`remedy: ${error.remedy}`);
  process.exitCode = 1;
}
