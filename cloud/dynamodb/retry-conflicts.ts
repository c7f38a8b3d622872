import { setTimeout as pause } from "node:timers/promises";
import { TransactionCanceledException, TransactionConflictException } from "@aws-sdk/client-dynamodb";

const tries = 12;
const shortestPause = 10;
const longestPause = 400;

/**
 * Middleware that repeats a write which met another transaction on the same item. DynamoDB refuses the later one at
 * once instead of letting it wait, and the SDK does not repeat it. A machine's item is such a meeting point, so the
 * pauses are short and random. Nothing has been written when it is refused, hence repeating it is safe.
 */
export function retryConflicts<Arguments, Result>(
  next: (request: Arguments) => Promise<Result>,
): (request: Arguments) => Promise<Result> {
  return async (request) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await next(request);
      } catch (error) {
        if (attempt === tries || !isConflict(error)) throw error;
      }
      await pause(Math.random() * Math.min(longestPause, shortestPause * 2 ** attempt));
    }
  };
}

const passing = new Set(["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"]);

/** A transaction that failed a condition as well would fail it again, so it is not repeated. */
function isConflict(error: unknown): boolean {
  if (error instanceof TransactionConflictException) return true;
  if (!(error instanceof TransactionCanceledException)) return false;
  const codes = (error.CancellationReasons ?? []).flatMap(({ Code }) => (Code === "None" ? [] : (Code ?? [])));
  return codes.length > 0 && codes.every((code) => passing.has(code));
}
