import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A port of this machine where nothing listens. */
export async function openClosedPort(): Promise<number> {
  const server = createServer();
  const { port } = await listen(server);
  await close(server);
  return port;
}

/** Accepts connections and never says a word. */
export async function openSilentServer(): Promise<Address & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
  });
  const address = await listen(server);
  return {
    ...address,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await close(server);
    },
  };
}

/**
 * An address whose kernel drops the first packet of every connection, as a firewall does: a process that is stopped
 * listens there, and its queue of connections that wait to be accepted is full.
 */
export async function openBlackHole(): Promise<Address & AsyncDisposable> {
  const script = `
    const server = require("node:net").createServer();
    server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => console.log(server.address().port));
  `;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(child.stdout, "data");
  const address = { host: "127.0.0.1", port: Number(String(line)) };
  child.kill("SIGSTOP");
  const fillers = Array.from({ length: 8 }, () => connect(address).on("error", () => {}));
  await new Promise((resolve) => setTimeout(resolve, 200));
  return {
    ...address,
    async [Symbol.asyncDispose]() {
      for (const filler of fillers) filler.destroy();
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

export interface Proxy extends AsyncDisposable {
  readonly address: Address;
  /** From now on nothing passes, without either side being told. */
  freeze(): void;
}

/** A way to an address. A narrow one passes on some 100 kB a second of what comes back. */
export async function openProxy(target: Address, { narrow = false } = {}): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect({ host: target.host, port: target.port, noDelay: true });
    near.setNoDelay(true);
    near.pipe(far);
    if (narrow) void trickle(far, near);
    else far.pipe(near);
    for (const socket of [near, far]) sockets.add(socket.on("error", () => {}));
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
  });
  const address = await listen(server);
  return {
    address,
    freeze() {
      for (const socket of sockets) socket.unpipe().pause();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await close(server);
    },
  };
}

async function trickle(from: Socket, to: Socket): Promise<void> {
  try {
    for await (const chunk of from as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length; at += 1_000) {
        to.write(chunk.subarray(at, at + 1_000));
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  } catch {
    to.destroy(); // one of the ends has closed
  }
}

async function listen(server: Server): Promise<Address> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return { host: "127.0.0.1", port: address.port };
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, "close");
}
