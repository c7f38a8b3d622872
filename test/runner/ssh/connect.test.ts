import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generateSshIdentity } from "../../../cloud/secrets/ssh-identity.ts";
import { connectSsh } from "../../../runner/ssh/connect.ts";
import { parseIdentity } from "../../../runner/ssh/identity.ts";
import { defaultSshTimings } from "../../../runner/ssh/target.ts";
import { bootForRunner, targetOf } from "../boot.ts";
import { failure } from "../failure.ts";
import { openBlackHole, openClosedPort, openProxy, openSilentServer } from "./bad-networks.ts";

const quick = { ...defaultSshTimings, connect: 1_500 };

let fleet: Awaited<ReturnType<typeof bootForRunner>>;

beforeAll(async () => {
  fleet = await bootForRunner(
    { name: "itchy", hostKeyTypes: ["ed25519", "rsa", "ecdsa"] },
    { name: "scratchy", maxSessions: 3 },
  );
});

afterAll(async () => {
  await fleet[Symbol.asyncDispose]();
});

describe("connectSsh", () => {
  it("runs commands, with input, output, standard error and exit status", async () => {
    await using connection = await connectSsh(await targetOf(fleet.machine("itchy")));
    const process = await connection.exec("cat; echo problem >&2; exit 7");
    process.stdin.end("through and back");
    const [stdout, stderr, exit] = await Promise.all([text(process.stdout), text(process.stderr), process.exited]);
    expect(stdout).toBe("through and back");
    expect(stderr).toBe("problem\n");
    expect(exit).toEqual({ kind: "exited", code: 7 });
  });

  it("says that nothing listens on a closed port", async () => {
    const port = await openClosedPort();
    const error = await failure(connectSsh(await targetOf(fleet.machine("itchy"), { host: "127.0.0.1", port })));
    expect(error.code).toBe("DROVER_SSH_UNREACHABLE");
    expect(error.message).toContain(`127.0.0.1 port ${port}: nothing listens there`);
  });

  it("says that a name is unknown", async () => {
    const error = await failure(connectSsh(await targetOf(fleet.machine("itchy"), { host: "nowhere.invalid" })));
    expect(error.code).toBe("DROVER_SSH_UNREACHABLE");
    expect(error.message).toContain("DNS");
    expect(error.remedy).toContain("ssh_config");
  });

  it("gives up on an address that drops packets", async () => {
    await using blackHole = await openBlackHole();
    const target = await targetOf(fleet.machine("itchy"), blackHole);
    const started = performance.now();
    const error = await failure(connectSsh(target, { timings: quick }));
    expect(error.code).toBe("DROVER_SSH_TIMEOUT");
    expect(error.details).toEqual({ stage: "connecting" });
    expect(performance.now() - started).toBeLessThan(2_500);
  });

  it("gives up on a server that accepts and says nothing", async () => {
    await using server = await openSilentServer();
    const error = await failure(connectSsh(await targetOf(fleet.machine("itchy"), server), { timings: quick }));
    expect(error.code).toBe("DROVER_SSH_TIMEOUT");
    expect(error.details).toEqual({ stage: "key-exchange" });
  });

  it("names the identity that is not admitted, and the line that would admit it", async () => {
    const stranger = generateSshIdentity("stranger");
    const identity = parseIdentity(stranger, "/keys/stranger");
    const target = await targetOf(fleet.machine("itchy"), { identity });
    const error = await failure(connectSsh(target));
    expect(error.code).toBe("DROVER_SSH_AUTHENTICATION");
    expect(error.message).toContain(`the user ${target.user} does not admit the identity /keys/stranger (SHA256:`);
    expect(error.remedy).toContain(identity.publicLine);
    expect(error.remedy).not.toContain("PRIVATE");
  });

  it("stops when it is told to", async () => {
    await using server = await openSilentServer();
    const target = await targetOf(fleet.machine("itchy"), server);
    await expect(connectSsh(target, { signal: AbortSignal.timeout(100) })).rejects.toThrow(/aborted due to timeout/);
  });
});

describe("an SSH connection", () => {
  it("is lost at once when the machine ends it, and with it what runs there", async () => {
    const machine = fleet.machine("scratchy");
    const connection = await connectSsh(await targetOf(machine));
    const process = await connection.exec("sleep 100");
    process.drain();
    await machine.killSessions();
    const lost = await connection.ended;
    expect(lost?.code).toBe("DROVER_SSH_LOST");
    expect(await process.exited).toEqual({ kind: "lost", error: lost });
    expect((await failure(connection.exec("true"))).code).toBe("DROVER_SSH_LOST");
  });

  it("is lost when nothing comes in any more, though nobody has closed it", async () => {
    const machine = fleet.machine("itchy");
    await using proxy = await openProxy(machine);
    const timings = { connect: 5_000, keepAliveInterval: 200, silenceLimit: 600 };
    const connection = await connectSsh(await targetOf(machine, proxy.address), { timings });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(connection.loss).toBeUndefined();
    proxy.freeze();
    const frozenAt = performance.now();
    expect((await connection.ended)?.message).toContain("nothing has come in for");
    expect(performance.now() - frozenAt).toBeLessThan(1_200);
  });

  it("refuses the session above MaxSessions and keeps those it has", async () => {
    await using connection = await connectSsh(await targetOf(fleet.machine("scratchy")));
    const processes = await Promise.all([1, 2, 3].map(() => connection.exec("cat")));
    const error = await failure(connection.exec("cat"));
    expect(error.code).toBe("DROVER_SSH_SESSION_REFUSED");
    expect(error.remedy).toContain("MaxSessions");
    for (const process of processes) process.stdin.end("still here");
    const said = await Promise.all(processes.map((process) => text(process.stdout)));
    expect(said).toEqual(["still here", "still here", "still here"]);
  });

  it("ends a process that is killed, and tells of a signal", async () => {
    await using connection = await connectSsh(await targetOf(fleet.machine("itchy")));
    const patient = await connection.exec("cat");
    patient.kill();
    // By the end of its input, or by a signal of sshd's: whichever comes first.
    expect(["closed", "exited", "signalled"]).toContain((await patient.exited).kind);
    const suicidal = await connection.exec("kill -TERM $$");
    suicidal.drain();
    expect(await suicidal.exited).toEqual({ kind: "signalled", signal: "SIGTERM" });
  });

  it("passes more than its buffers hold in both directions", async () => {
    await using connection = await connectSsh(await targetOf(fleet.machine("itchy")));
    const process = await connection.exec("cat");
    const chunk = Buffer.alloc(1 << 20, "x");
    const written = (async () => {
      for (let n = 0; n < 32; n++) {
        if (!process.stdin.write(chunk)) await new Promise((resolve) => process.stdin.once("drain", resolve));
      }
      process.stdin.end();
    })();
    let received = 0;
    for await (const piece of process.stdout) received += piece.length;
    await written;
    expect(received).toBe(32 << 20);
  });
});
