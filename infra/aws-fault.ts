import { tableName } from "../cloud/topology/names.ts";
import { DroverError } from "../nix/drover-error.ts";

/** Names of the errors with which AWS says that it does not know the keys, or not any more (its "Common Errors"). */
const strangeKeys = new Set([
  "ExpiredTokenException",
  "IncompleteSignature",
  "InvalidClientTokenId",
  "InvalidSignatureException",
  "MissingAuthenticationToken",
  "UnrecognizedClientException",
]);

/**
 * What kept the first token from being written, and what to do about it.
 *
 * @param region empty when it is not known
 */
export function awsFault(error: unknown, deployment: string, region: string): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message: said } = error;
  const table = tableName(deployment, "tokens");
  const fault = (code: `DROVER_${string}`, message: string, remedy: string) =>
    new DroverError(code, message, { subject: table, remedy, cause: error });

  if (region === "") {
    return fault("DROVER_AWS_REGION", `no AWS region is known: ${said}`, "Set AWS_REGION to that of the deployment.");
  }
  if (name === "CredentialsProviderError" || strangeKeys.has(name)) {
    const remedy = "Log in (aws sso login), or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.";
    return fault("DROVER_AWS_CREDENTIALS", `there are no AWS credentials that work: ${said}`, remedy);
  }
  if (name === "ResourceNotFoundException") {
    const remedy = "Check --deployment (the option `name` of the stack), AWS_REGION and the account; or deploy first.";
    return fault("DROVER_AWS_NO_DEPLOYMENT", `there is no table ${table} in ${region}`, remedy);
  }
  if (name === "AccessDeniedException") {
    const remedy = `Use credentials that may dynamodb:PutItem on the table ${table}.`;
    return fault("DROVER_AWS_ACCESS_DENIED", `AWS does not let these credentials write to ${table}: ${said}`, remedy);
  }
  const status = "$metadata" in error && Object(error.$metadata).httpStatusCode;
  if (typeof status !== "number") {
    const remedy = "Check the network, and that AWS_REGION is a region.";
    return fault("DROVER_AWS_UNREACHABLE", `DynamoDB in ${region} can't be reached: ${said || name}`, remedy);
  }
  return fault("DROVER_AWS", `DynamoDB refused the token: ${name}: ${said}`, "Correct what it says, and try again.");
}
