import { PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { DroverError } from "../../../nix/drover-error.ts";
import type { Builds } from "../../ports/builds.ts";
import { ifConditionHolds } from "../conditions.ts";
import type { Database } from "../database.ts";
import { itemOfNewBuild } from "../items/build.ts";

export function entering({ client, tables }: Database): Pick<Builds, "create" | "followed"> {
  return {
    create: async (build) => {
      const put = new PutCommand({
        TableName: tables.builds,
        Item: itemOfNewBuild(build),
        ConditionExpression: "attribute_not_exists(id)",
      });
      if ((await ifConditionHolds(client.send(put))) !== undefined) return;
      throw new DroverError("DROVER_BUILD_EXISTS", `there is a build ${build.id} already`, {
        subject: build.id,
        remedy: "Look at that build, or submit without choosing an id.",
      });
    },
    followed: async (id, until) => {
      const update = new UpdateCommand({
        TableName: tables.builds,
        Key: { id },
        UpdateExpression: "SET #followedUntil = :until",
        ConditionExpression:
          "attribute_exists(id) AND (attribute_not_exists(#followedUntil) OR #followedUntil < :until)",
        ExpressionAttributeNames: { "#followedUntil": "followedUntil" },
        ExpressionAttributeValues: { ":until": until },
      });
      await ifConditionHolds(client.send(update));
    },
  };
}
