import { mkdtemp, rm } from "node:fs/promises";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { directoryBlobs } from "../../../cloud/blobs/directory.ts";
import { directorySecrets } from "../../../cloud/secrets/directory.ts";
import { makeSecrets } from "../../../cloud/secrets/make-secrets.ts";
import { openGateway } from "../../../local/http/open-gateway.ts";

let directory: string;
let places: { blobs: string; secrets: string };
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "drover-gateway-"));
  places = { blobs: join(directory, "blobs"), secrets: join(directory, "secrets") };
  await makeSecrets(places.secrets, "test");
});
afterEach(() => rm(directory, { recursive: true }));

test("requests that come before there is a function wait for it", async () => {
  await using door = await openGateway({ ...places, port: 0 });
  const early = fetch(`${door.url}/v1/health`);
  const isAnswered = await Promise.race([
    early.then(() => true),
    new Promise((resolve) => setTimeout(resolve, 50, false)),
  ]);
  expect(isAnswered).toBe(false);
  door.open(async ({ rawPath }) => ({ statusCode: 200, body: rawPath }));
  expect(await (await early).text()).toBe("/v1/health");
});

test("blobs are served by signed URLs beside the API, and by no others", async () => {
  await using door = await openGateway({ ...places, port: 0 });
  const secret = async () => Buffer.from(await directorySecrets(places.secrets).read("url-signing-key"), "hex");
  const blobs = directoryBlobs({ directory: places.blobs, url: `${door.url}/blobs`, secret });
  await blobs.put("nar/x.nar", Buffer.from("bytes"), { contentType: "application/x-nix-nar" });
  const { url } = await blobs.signDownload("nar/x.nar", 60);
  expect(await (await fetch(url)).text()).toBe("bytes");
  const [unsigned = ""] = url.split("?");
  expect((await fetch(unsigned)).status).toBe(403);
  door.open(async () => ({ statusCode: 200, body: "the API" }));
  expect(await (await fetch(`${door.url}/blobs`)).text()).toBe("the API");
});

test("a port that is taken is an error that says so", async () => {
  await using door = await openGateway({ ...places, port: 0 });
  const port = Number(new URL(door.url).port);
  await expect(openGateway({ ...places, port })).rejects.toMatchObject({
    code: "DROVER_PORT_IN_USE",
    subject: String(port),
    remedy: expect.stringContaining("--port"),
  });
});

test("closing it cuts off who still waits for an answer, and frees the port", async () => {
  const door = await openGateway({ ...places, port: 0 });
  const waiting = fetch(`${door.url}/v1/builds`).catch(() => "cut off");
  await new Promise((resolve) => setTimeout(resolve, 50));
  await door[Symbol.asyncDispose]();
  expect(await waiting).toBe("cut off");
  await using again = await openGateway({ ...places, port: Number(new URL(door.url).port) });
  expect(again.url).toBe(door.url);
});

test("it listens to this machine only", async () => {
  await using door = await openGateway({ ...places, port: 0 });
  const { port } = new URL(door.url);
  const others = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const addresses = others.filter(({ family }) => family === "IPv4").map(({ address }) => address);
  for (const address of new Set([...addresses, "127.0.0.2"])) {
    const isHere = address === "127.0.0.1";
    const answer = fetch(`http://${address}:${port}/blobs/x`, { signal: AbortSignal.timeout(2_000) });
    expect(
      await answer.then(
        ({ status }) => status,
        () => "refused",
      ),
    ).toBe(isHere ? 403 : "refused");
  }
});
