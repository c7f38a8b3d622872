import { ConditionalCheckFailedException, TransactionCanceledException } from "@aws-sdk/client-dynamodb";

/** Awaits a conditional write. @returns its answer, or undefined when the condition did not hold */
export async function ifConditionHolds<Answer>(write: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await write;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
}

/**
 * Awaits a transaction.
 *
 * @returns for each of its writes, in their order, whether its condition failed; undefined when all was written
 */
export async function failedConditions(transaction: Promise<unknown>): Promise<boolean[] | undefined> {
  try {
    await transaction;
    return undefined;
  } catch (error) {
    if (!(error instanceof TransactionCanceledException)) throw error;
    const failed = (error.CancellationReasons ?? []).map(({ Code }) => Code === "ConditionalCheckFailed");
    if (!failed.includes(true)) throw error;
    return failed;
  }
}
