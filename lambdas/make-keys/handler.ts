import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
} from "@aws-sdk/client-secrets-manager";
import * as z from "zod";
import { secretsManagerClient } from "../../cloud/secrets/secrets-manager.ts";
import { answerCloudFormation } from "./custom-resource.ts";
import { makeKeys, type SecretValues } from "./make-keys.ts";

const properties = z.object({ deployment: z.string(), signingKey: z.string(), sshIdentity: z.string() });
const client = secretsManagerClient({ caller: "drover-make-keys" });

const secrets: SecretValues = {
  async read(SecretId) {
    try {
      return (await client.send(new GetSecretValueCommand({ SecretId }))).SecretString;
    } catch (error) {
      // The secret is the stack's own, so it is there: what is missing is its value.
      if (error instanceof ResourceNotFoundException) return undefined;
      throw error;
    }
  },
  async write(SecretId, SecretString) {
    await client.send(new PutSecretValueCommand({ SecretId, SecretString }));
  },
};

/** Started by CloudFormation with each deployment. Private keys go from here to Secrets Manager and nowhere else. */
export const handler = async (event: unknown): Promise<void> => {
  await answerCloudFormation(event, async (given) => ({ ...(await makeKeys(secrets, properties.parse(given))) }));
};
