import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { isFinished, type Build, type BuildFailure } from "../../../fleet/build.ts";
import type { StepId } from "../../../fleet/step.ts";
import type { Builds } from "../../ports/builds.ts";
import { ifConditionHolds } from "../conditions.ts";
import type { Database, Item } from "../database.ts";
import { buildOfItem, failedStepsOfItem } from "../items/build.ts";
import { getBuild, getBuildItem } from "./finding.ts";

export function ending(database: Database): Pick<Builds, "targetSettled" | "fail"> {
  return {
    targetSettled: (build, target, failed, now) => targetSettled(database, build, target, failed, now),
    fail: async (build, failure, now) => {
      await finish(database, build, failure, now);
    },
  };
}

/**
 * Two writes: the first takes the target off the set that the build waits for, so that any number of targets may be
 * settled at once; the second ends the build, for whoever finds that it is over. After a crash between the two the
 * redelivered event does the second.
 */
async function targetSettled(
  database: Database,
  id: string,
  target: StepId,
  failed: { step: StepId; name: string } | undefined,
  now: number,
): Promise<Build | undefined> {
  const item = (await tickOff(database, id, target, failed)) ?? (await getBuildItem(database, id));
  if (item === undefined) return undefined;
  const build = buildOfItem(item);
  if (isFinished(build.state)) return build;
  const steps = failedStepsOfItem(item);
  if (build.waitingOn.length > 0 && (steps.length === 0 || build.keepGoing)) return build;
  const failure: BuildFailure | undefined = steps.length === 0 ? undefined : { kind: "steps", steps };
  return (await finish(database, id, failure, now)) ?? (await getBuild(database, id));
}

/** @returns undefined when the build is not waiting for this target (any more) */
async function tickOff(
  { client, tables }: Database,
  id: string,
  target: StepId,
  failed: { step: StepId; name: string } | undefined,
): Promise<Item | undefined> {
  const update = new UpdateCommand({
    TableName: tables.builds,
    Key: { id },
    UpdateExpression: `DELETE #waitingOn :targets${failed ? " SET #failedSteps.#failed = :name" : ""}`,
    ConditionExpression: "attribute_exists(#unfinished) AND contains(#waitingOn, :target)",
    ExpressionAttributeNames: {
      "#waitingOn": "waitingOn",
      "#unfinished": "unfinished",
      ...(failed && { "#failedSteps": "failedSteps", "#failed": failed.step }),
    },
    ExpressionAttributeValues: {
      ":targets": new Set([target]),
      ":target": target,
      ...(failed && { ":name": failed.name }),
    },
    ReturnValues: "ALL_NEW",
  });
  return (await ifConditionHolds(client.send(update)))?.Attributes;
}

/** @param failure undefined for success. @returns undefined when the build was finished already, or is not there */
async function finish(
  { client, tables }: Database,
  id: string,
  failure: BuildFailure | undefined,
  now: number,
): Promise<Build | undefined> {
  const update = new UpdateCommand({
    TableName: tables.builds,
    Key: { id },
    UpdateExpression: [
      `SET #state = :state, #finishedAt = :now${failure ? ", #failure = :failure" : ""}`,
      "REMOVE #unfinished, #waitingOn",
    ].join(" "),
    ConditionExpression: "attribute_exists(#unfinished)",
    ExpressionAttributeNames: {
      "#state": "state",
      "#finishedAt": "finishedAt",
      "#unfinished": "unfinished",
      "#waitingOn": "waitingOn",
      ...(failure && { "#failure": "failure" }),
    },
    ExpressionAttributeValues: {
      ":state": failure ? "failed" : "succeeded",
      ":now": now,
      ...(failure && { ":failure": failure }),
    },
    ReturnValues: "ALL_NEW",
  });
  const answer = await ifConditionHolds(client.send(update));
  return answer?.Attributes && buildOfItem(answer.Attributes);
}
