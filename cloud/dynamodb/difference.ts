import { isDeepStrictEqual } from "node:util";
import type { Item } from "./database.ts";

/** The expressions of an update, to be spread into its command. */
export interface UpdateExpressions {
  readonly UpdateExpression: string;
  readonly ConditionExpression: string;
  readonly ExpressionAttributeNames: Record<string, string>;
  readonly ExpressionAttributeValues: Record<string, unknown>;
}

/**
 * Makes one item out of another by writing what differs, so that attributes which only a newer version of Drover
 * knows stay as they are.
 *
 * @param guards attributes that must still be as in `before`; the update's condition
 */
export function difference(before: Item, after: Item, guards: readonly string[]): UpdateExpressions {
  const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (name) => !isDeepStrictEqual(before[name], after[name]),
  );
  const set = changed.filter((name) => after[name] !== undefined);
  const remove = changed.filter((name) => after[name] === undefined);
  const clauses = [
    ...(set.length > 0 ? [`SET ${set.map((name) => `#${name} = :${name}`).join(", ")}`] : []),
    ...(remove.length > 0 ? [`REMOVE ${remove.map((name) => `#${name}`).join(", ")}`] : []),
  ];
  const present = guards.filter((name) => before[name] !== undefined);
  const conditions = guards.map((name) =>
    before[name] === undefined ? `attribute_not_exists(#${name})` : `#${name} = :before_${name}`,
  );
  return {
    UpdateExpression: clauses.join(" "),
    ConditionExpression: conditions.join(" AND "),
    ExpressionAttributeNames: Object.fromEntries([...changed, ...guards].map((name) => [`#${name}`, name])),
    ExpressionAttributeValues: Object.fromEntries([
      ...set.map((name) => [`:${name}`, after[name]]),
      ...present.map((name) => [`:before_${name}`, before[name]]),
    ]),
  };
}
