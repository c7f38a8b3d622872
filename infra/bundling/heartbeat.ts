import diagnostics from "node:diagnostics_channel";
import { writeFile } from "node:fs";
import { ClientRequest, IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Loaded into the runner's process before the runner: notes in the date of a file when SQS has last answered a request
 * well. A runner that does its work hears from SQS at least every 20 seconds, the length of a long poll; one that hangs,
 * has lost its network or may not read its queues does not. `healthy` looks at that date.
 */
const file = join(tmpdir(), "drover-runner-heartbeat");

/** The file is written at most so often. Milliseconds. */
const pause = 5_000;

let last = -Infinity;
diagnostics.subscribe("http.client.response.finish", (message) => {
  const { request, response } = Object(message);
  if (!(request instanceof ClientRequest && response instanceof IncomingMessage)) return;
  if (response.statusCode !== 200 || !String(request.getHeader("x-amz-target")).startsWith("AmazonSQS.")) return;
  if (performance.now() - last < pause) return;
  last = performance.now();
  // A file that can not be written makes the container unhealthy, and its health check says so.
  writeFile(file, "", () => {});
});
