import { randomUUID } from "node:crypto";
import type { Context } from "aws-lambda";
import { functions, type FunctionName } from "../cloud/topology/functions.ts";

/** The context of one invocation as Lambda's Node runtime passes it, with the function's own deadline. */
export function lambdaContext(name: FunctionName): Context {
  const deadline = Date.now() + functions[name].timeout * 1000;
  return {
    awsRequestId: randomUUID(),
    callbackWaitsForEmptyEventLoop: false,
    functionName: name,
    functionVersion: "$LATEST",
    invokedFunctionArn: `arn:aws:lambda:local:000000000000:function:${name}`,
    logGroupName: `/aws/lambda/${name}`,
    logStreamName: "local",
    memoryLimitInMB: String(functions[name].memory),
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
    done: () => {},
    fail: () => {},
    succeed: () => {},
  };
}
