import { createServer } from "node:net";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import ssh2 from "ssh2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generateSshIdentity } from "../../../cloud/secrets/ssh-identity.ts";
import { decodeHostKeys, hostKeyFingerprint } from "../../../nix/machine-spec/host-key.ts";
import { connectJumps } from "../../../runner/ssh/connect.ts";
import { scanHostKeys } from "../../../runner/ssh/scan-host-keys.ts";
import { openTransport } from "../../../runner/ssh/open-transport.ts";
import type { HostKeyType } from "../../machines/machine-options.ts";
import type { Machine } from "../../machines/machine.ts";
import { bootForRunner, targetOf } from "../boot.ts";
import { openSilentServer, type Address } from "./bad-networks.ts";

const never = new AbortController().signal;

let fleet: Awaited<ReturnType<typeof bootForRunner>>;

beforeAll(async () => {
  fleet = await bootForRunner({ name: "itchy", hostKeyTypes: ["rsa", "ed25519", "ecdsa"] }, { name: "gate" });
});

afterAll(async () => {
  await fleet[Symbol.asyncDispose]();
});

async function scan(address: Address, signal = never, types?: readonly string[]): Promise<string[]> {
  const keys = await scanHostKeys(() => openTransport(address, undefined, signal), signal, types);
  return keys.map(hostKeyFingerprint);
}

function fingerprint(machine: Machine, type: HostKeyType): string {
  return hostKeyFingerprint(decodeHostKeys(machine.hostKeys.get(type) ?? "")[0].blob);
}

describe("scanHostKeys", () => {
  it("finds a key of each type that the server has, and logs in nowhere", async () => {
    const machine = fleet.machine("itchy");
    const before = await readFile(machine.logFile, "utf8");
    expect(await scan(machine)).toEqual([
      fingerprint(machine, "ed25519"),
      fingerprint(machine, "ecdsa"),
      fingerprint(machine, "rsa"),
    ]);
    expect((await readFile(machine.logFile, "utf8")).slice(before.length)).not.toMatch(/user|Accepted|Failed/);
  });

  it("asks for the given types only", async () => {
    const machine = fleet.machine("itchy");
    expect(await scan(machine, never, ["ssh-rsa"])).toEqual([fingerprint(machine, "rsa")]);
    expect(await scan(fleet.machine("gate"), never, ["ssh-rsa"])).toEqual([]);
  });

  it("scans through a jump host", async () => {
    await using gate = await connectJumps({ jumps: [await targetOf(fleet.machine("gate"))] });
    const machine = fleet.machine("itchy");
    const keys = await scanHostKeys(() => openTransport(machine, gate, never), never, ["ssh-ed25519"]);
    expect(keys.map(hostKeyFingerprint)).toEqual([fingerprint(machine, "ed25519")]);
  });

  it("sends no word after the key exchange", async () => {
    const asked: string[] = [];
    const server = new ssh2.Server({ hostKeys: [generateSshIdentity("server")] }, (client) => {
      client.on("authentication", (context) => {
        asked.push(context.method);
        context.reject();
      });
      client.on("error", () => {});
    });
    // What the client sends is counted: the version, its offer, its half of the exchange and NEWKEYS, unencrypted.
    const sent: Buffer[] = [];
    const front = createServer((near) => {
      near.on("data", (bytes) => sent.push(bytes)).on("error", () => {});
      server.injectSocket(near);
    });
    front.listen(0, "127.0.0.1");
    await once(front, "listening");
    const address = front.address();
    if (address === null || typeof address === "string") throw new Error("the server has no port");
    const keys = await scan({ host: "127.0.0.1", port: address.port }, never, ["ssh-ed25519"]);
    expect(keys).toHaveLength(1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(asked).toEqual([]);
    // A request for a service would be one more packet, behind NEWKEYS (message 21, the last that is plain).
    const all = Buffer.concat(sent);
    const newKeys = all.lastIndexOf(Buffer.from([0, 0, 0, 12, 10, 21]));
    expect(newKeys).toBeGreaterThan(0);
    expect(all.length - newKeys).toBe(16);
    front.close();
  });

  it("passes on why there is nobody", async () => {
    await expect(scan({ host: "127.0.0.1", port: 1 })).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("fails where something else than SSH answers", async () => {
    const server = createServer((socket) => socket.on("error", () => {}).end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the server has no port");
    await expect(scan({ host: "127.0.0.1", port: address.port })).rejects.toThrow(/handshake|closed/);
    server.close();
  });

  it("stops when it is told to", async () => {
    await using server = await openSilentServer();
    await expect(scan(server, AbortSignal.timeout(100))).rejects.toThrow(/aborted due to timeout/);
  });
});
