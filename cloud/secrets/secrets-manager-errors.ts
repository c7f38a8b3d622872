import { DroverError } from "../../nix/drover-error.ts";

/** @param made what the secret holds, where a person finds or makes it */
export function notThere(
  code: "DROVER_SECRET_MISSING" | "DROVER_IDENTITY_MISSING",
  id: string,
  { file, command }: { file: string; command?: string },
): DroverError {
  const create = `aws secretsmanager create-secret --name ${id} --secret-string file://${file}`;
  return new DroverError(code, `There is no secret ${id} in this account and region`, {
    subject: id,
    remedy: `Create it: ${command === undefined ? "" : `${command} && `}${create}`,
  });
}

/** What an error of Secrets Manager means (API reference, GetSecretValue). */
export function unreadable(id: string, cause: unknown, missing: () => DroverError): DroverError {
  const { name, message } = cause instanceof Error ? cause : new Error(String(cause));
  if (name === "ResourceNotFoundException") return missing();
  if (name === "InvalidRequestException" && /deletion/i.test(message)) return markedForDeletion(id, cause);
  if (name === "AccessDeniedException" || name === "DecryptionFailure") return denied(id, message, cause);
  return new DroverError("DROVER_SECRET_UNREADABLE", `The secret ${id} can not be read: ${message}`, {
    subject: id,
    remedy: "Try again; if it persists, check the credentials and whether Secrets Manager is reached from here.",
    cause,
  });
}

function denied(id: string, message: string, cause: unknown): DroverError {
  return new DroverError("DROVER_SECRET_DENIED", `AWS denies reading the secret ${id}: ${message}`, {
    subject: id,
    remedy:
      "Allow secretsmanager:GetSecretValue on it to the role that reads it, and kms:Decrypt on its key where that is one " +
      "of your own.",
    cause,
  });
}

function markedForDeletion(id: string, cause: unknown): DroverError {
  return new DroverError("DROVER_SECRET_MISSING", `The secret ${id} is marked for deletion`, {
    subject: id,
    remedy: `Take that back: aws secretsmanager restore-secret --secret-id ${id}`,
    cause,
  });
}
