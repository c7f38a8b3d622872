import { createServer } from "node:net";
import ssh2 from "ssh2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generateSshIdentity } from "../../../cloud/secrets/ssh-identity.ts";
import { connectSsh } from "../../../runner/ssh/connect.ts";
import { parseIdentity } from "../../../runner/ssh/identity.ts";

const hostKey = generateSshIdentity("server");
/** Says everything about a command in one segment: that it has begun, its status, and that its channel is closed. */
const server = createServer((socket) => {
  const connections = new ssh2.Server({ hostKeys: [hostKey] }, (client) => {
    client.on("authentication", (context) => {
      context.accept();
    });
    client.on("error", () => {});
    client.on("session", (acceptSession) => {
      acceptSession().on("exec", (accept) => {
        socket.cork();
        const channel = accept();
        channel.exit(7);
        channel.end();
        socket.uncork();
      });
    });
  });
  connections.injectSocket(socket);
});

beforeAll(async () => {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
});

afterAll(() => {
  server.close();
});

describe("a command that is over at once", () => {
  it("is known to be over, and how", async () => {
    const parsed = ssh2.utils.parseKey(hostKey);
    const address = server.address();
    if (parsed instanceof Error || address === null || typeof address === "string") throw new Error("no server");
    await using connection = await connectSsh({
      machine: "itchy",
      host: "127.0.0.1",
      port: address.port,
      user: "nobody",
      identity: parseIdentity(generateSshIdentity("client"), "client"),
      hostKeys: [{ type: parsed.type, blob: parsed.getPublicSSH() }],
    });
    for (let time = 0; time < 20; time++) {
      const process = await connection.exec("true");
      expect(await process.exited).toEqual({ kind: "exited", code: 7 });
    }
  });
});
