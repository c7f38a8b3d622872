import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generateSshIdentity } from "../../../cloud/secrets/ssh-identity.ts";
import { decodeHostKeys } from "../../../nix/machine-spec/host-key.ts";
import { connectSsh } from "../../../runner/ssh/connect.ts";
import { parseIdentity } from "../../../runner/ssh/identity.ts";
import { defaultSshTimings, type SshTarget } from "../../../runner/ssh/target.ts";
import { bootForRunner, targetOf } from "../boot.ts";
import { failure } from "../failure.ts";
import { openClosedPort, openProxy, openSilentServer } from "./bad-networks.ts";

const quick = { ...defaultSshTimings, connect: 1_500 };

let fleet: Awaited<ReturnType<typeof bootForRunner>>;

beforeAll(async () => {
  fleet = await bootForRunner(
    { name: "gate" },
    { name: "lodge" },
    { name: "house" },
    { name: "wall", forwarding: false },
  );
});

afterAll(async () => {
  await fleet[Symbol.asyncDispose]();
});

async function jump(name: string, wrong: Partial<SshTarget> = {}): Promise<SshTarget> {
  return await targetOf(fleet.machine(name), { machine: `the jump host ${name} of house`, isJump: true, ...wrong });
}

async function logOf(name: string): Promise<string> {
  return await readFile(fleet.machine(name).logFile, "utf8");
}

describe("connectSsh through jump hosts", () => {
  it("goes through them one after the other", async () => {
    const jumps = [await jump("gate"), await jump("lodge")];
    await using connection = await connectSsh(await targetOf(fleet.machine("house")), { jumps });
    const process = await connection.exec("echo $SSH_CONNECTION; hostname");
    process.stderr.resume();
    const [from, , , , name] = (await text(process.stdout)).split(/\s+/);
    expect(name).toBe("house");
    expect(from).toBe(fleet.machine("lodge").host);
  });

  it("passes more than its buffers hold in both directions", async () => {
    await using connection = await connectSsh(await targetOf(fleet.machine("house")), { jumps: [await jump("gate")] });
    const process = await connection.exec("cat");
    const chunk = Buffer.alloc(1 << 20, "x");
    const written = (async () => {
      for (let n = 0; n < 16; n++) {
        if (!process.stdin.write(chunk)) await new Promise((resolve) => process.stdin.once("drain", resolve));
      }
      process.stdin.end();
    })();
    let received = 0;
    for await (const piece of process.stdout) received += piece.length;
    await written;
    expect(received).toBe(16 << 20);
  });

  it("closes all of them with the last", async () => {
    const connection = await connectSsh(await targetOf(fleet.machine("house")), {
      jumps: [await jump("gate"), await jump("lodge")],
    });
    await connection.close();
    expect(await connection.ended).toBeUndefined();
    for (const name of ["gate", "lodge", "house"]) expect(await fleet.machine(name).killSessions()).toBe(0);
  });

  it("is lost when a jump host's connection is, and says so", async () => {
    const connection = await connectSsh(await targetOf(fleet.machine("house")), {
      jumps: [await jump("gate"), await jump("lodge")],
    });
    const process = await connection.exec("sleep 100");
    process.drain();
    await fleet.machine("gate").killSessions();
    const lost = await connection.ended;
    expect(lost?.code).toBe("DROVER_SSH_LOST");
    expect(lost?.message).toContain("The SSH connection to house was lost");
    expect(lost?.message).toContain("the jump host gate of house");
    expect(await process.exited).toEqual({ kind: "lost", error: lost });
  });

  it("is lost when the way to the jump host falls silent, though nobody has closed it", async () => {
    await using proxy = await openProxy(fleet.machine("gate"));
    const timings = { connect: 5_000, keepAliveInterval: 200, silenceLimit: 600 };
    const jumps = [await jump("gate", proxy.address)];
    const connection = await connectSsh(await targetOf(fleet.machine("house")), { jumps, timings });
    proxy.freeze();
    const frozenAt = performance.now();
    expect((await connection.ended)?.message).toContain("nothing has come in for");
    expect(performance.now() - frozenAt).toBeLessThan(1_500);
    await connection.close();
  });

  it("sends nothing to a jump host that is not the known one", async () => {
    const stranger = await jump("gate", { hostKeys: decodeHostKeys(fleet.machine("lodge").hostKey) });
    const before = await logOf("gate");
    const error = await failure(connectSsh(await targetOf(fleet.machine("house")), { jumps: [stranger] }));
    expect(error.code).toBe("DROVER_JUMP_HOST_KEY_MISMATCH");
    expect(error.message).toContain("the jump host gate of house is not the machine it was");
    expect(error.remedy).toContain("known_hosts");
    expect((await logOf("gate")).slice(before.length)).not.toContain("Accepted publickey");
  });

  it("names the jump host that does not admit the identity", async () => {
    const identity = parseIdentity(generateSshIdentity("stranger"), "/keys/stranger");
    const error = await failure(
      connectSsh(await targetOf(fleet.machine("house")), { jumps: [await jump("gate", { identity })] }),
    );
    expect(error.code).toBe("DROVER_SSH_AUTHENTICATION");
    expect(error.message).toContain("the jump host gate of house: the user");
    expect(error.remedy).toContain(identity.publicLine);
  });

  it("checks the machine behind the jump host as any other", async () => {
    const hostKeys = decodeHostKeys(fleet.machine("gate").hostKey);
    const target = await targetOf(fleet.machine("house"), { hostKeys });
    const error = await failure(connectSsh(target, { jumps: [await jump("gate")] }));
    expect(error.code).toBe("DROVER_HOST_KEY_MISMATCH");
    expect(await fleet.machine("gate").killSessions()).toBe(0);
  });

  it("says from where a port is closed", async () => {
    const port = await openClosedPort();
    const target = await targetOf(fleet.machine("house"), { port });
    const error = await failure(connectSsh(target, { jumps: [await jump("gate")] }));
    expect(error.code).toBe("DROVER_SSH_UNREACHABLE");
    expect(error.message).toMatch(
      /house can not be reached at .* port \d+ from the jump host gate of house: .*refused/,
    );
  });

  it("says that a jump host lets nobody through", async () => {
    const error = await failure(connectSsh(await targetOf(fleet.machine("house")), { jumps: [await jump("wall")] }));
    expect(error.code).toBe("DROVER_SSH_UNREACHABLE");
    expect(error.remedy).toContain("AllowTcpForwarding");
    expect(error.remedy).toContain("the jump host wall of house");
  });

  it("gives up on a jump host that says nothing", async () => {
    await using server = await openSilentServer();
    const options = { jumps: [await jump("gate", server)], timings: quick };
    const error = await failure(connectSsh(await targetOf(fleet.machine("house")), options));
    expect(error.code).toBe("DROVER_SSH_TIMEOUT");
    expect(error.message).toContain("the jump host gate of house");
  });

  it("sends nothing at all where one of the hosts has no stored key", async () => {
    const jumps = [await jump("gate"), await jump("lodge", { hostKeys: [] })];
    const before = await logOf("gate");
    const error = await failure(connectSsh(await targetOf(fleet.machine("house")), { jumps }));
    expect(error.code).toBe("DROVER_HOST_KEY_UNKNOWN");
    expect(error.remedy).toContain("known_hosts");
    expect(await logOf("gate")).toBe(before);
  });
});
