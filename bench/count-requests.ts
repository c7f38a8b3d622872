import diagnostics from "node:diagnostics_channel";
import { writeFileSync } from "node:fs";
import { ClientRequest } from "node:http";
import { join } from "node:path";

/**
 * Loaded into each of a service's processes before its own modules (`bench/requests.ts`): counts the requests to SQS by
 * their actions, and the API's by their paths' beginnings, into a file of the directory REQUEST_COUNTS.
 */
const directory = process.env["REQUEST_COUNTS"];
const counts: Record<string, number> = {};
const note = (name: string) => (counts[name] = (counts[name] ?? 0) + 1);

diagnostics.subscribe("http.client.request.start", (message) => {
  const { request } = Object(message);
  if (!(request instanceof ClientRequest)) return;
  const target = String(request.getHeader("x-amz-target"));
  if (target.startsWith("AmazonSQS.")) note(target);
});
diagnostics.subscribe("http.server.request.start", (message) => {
  const { request } = Object(message);
  const [, door] = /^\/(v1|cache|blobs)\//.exec(String(request?.url)) ?? [];
  if (door !== undefined) note(`http.${door}`);
});

if (directory !== undefined) {
  const file = join(directory, `${process.pid}.json`);
  const write = () => writeFileSync(file, JSON.stringify(counts));
  setInterval(write, 200).unref();
  process.on("exit", write);
}
