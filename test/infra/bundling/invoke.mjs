// What Lambda's runtime does at a cold start, by a Node that has nothing else: loads the bundle, hands it the event that
// is on standard input, and writes the answer as the last line.
import { json } from "node:stream/consumers";

const [bundle, functionName] = process.argv.slice(2);
const event = await json(process.stdin);
const { handler } = await import(bundle);
const deadline = Date.now() + 60_000;
const context = {
  awsRequestId: "8f5c1c5e-1f0a-4c27-9d1e-0f6f2b7f3a11",
  callbackWaitsForEmptyEventLoop: true,
  functionName,
  functionVersion: "$LATEST",
  invokedFunctionArn: `arn:aws:lambda:eu-central-1:123456789012:function:${functionName}`,
  logGroupName: `/aws/lambda/${functionName}`,
  logStreamName: "2026/11/22/[$LATEST]0f3a9d6f3d9e4b6c8f7a1b2c3d4e5f60",
  memoryLimitInMB: "512",
  getRemainingTimeInMillis: () => deadline - Date.now(),
};
const answer = await handler(event, context);
process.stdout.write(`\n${JSON.stringify(answer)}\n`, () => process.exit(0));
