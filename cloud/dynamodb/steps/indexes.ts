import type { Steps } from "../../ports/steps.ts";
import type { Database } from "../database.ts";
import { stepOfItem } from "../items/step.ts";
import { firstItems } from "../query.ts";

/** What the two sparse indexes answer: which steps are ready, and which unfinished ones nobody has touched lately. */
export function indexes(database: Database): Pick<Steps, "firstReady" | "inState"> {
  const TableName = database.tables.steps;
  return {
    firstReady: async (requirementClass, limit) => {
      const query = {
        TableName,
        IndexName: "ready",
        KeyConditionExpression: "#class = :class",
        ExpressionAttributeNames: { "#class": "readyClass" },
        ExpressionAttributeValues: { ":class": requirementClass },
      };
      return (await firstItems(database, query, limit)).map(stepOfItem);
    },
    inState: async (state, changedBefore, limit) => {
      const query = {
        TableName,
        IndexName: "unfinished",
        KeyConditionExpression: "#unfinished = :state AND #changedAt < :changedBefore",
        ExpressionAttributeNames: { "#unfinished": "unfinished", "#changedAt": "changedAt" },
        ExpressionAttributeValues: { ":state": state, ":changedBefore": changedBefore },
      };
      return (await firstItems(database, query, limit)).map(stepOfItem);
    },
  };
}
