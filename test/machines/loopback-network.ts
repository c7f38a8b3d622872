import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { DroverError } from "../../nix/drover-error.ts";
import type { Network } from "./network.ts";

/** Machines on 127.0.0.1, each with a port of its own: needs no rights, but such a network cannot be cut. */
export function openLoopbackNetwork(): Network {
  const taken = new Set<number>();
  return {
    async layCable() {
      const port = await findFreePort(taken);
      return {
        host: "127.0.0.1",
        port,
        plugIn: async () => {},
        unplug: async () => {},
        cut: refuse,
        heal: refuse,
      };
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

async function refuse(): Promise<void> {
  throw new DroverError("DROVER_MACHINES_MODE", "machines on the loopback network cannot be cut off", {
    remedy: 'Boot them with mode "namespaces", as root.',
  });
}

/**
 * sshd cannot choose a port and tell. These lie below the range (32768 and up) from which the kernel takes ports for
 * outgoing connections, so that no connection takes the port of a machine that is switched off.
 */
async function findFreePort(taken: Set<number>): Promise<number> {
  for (let tries = 0; tries < 200; tries += 1) {
    const port = randomInt(20_000, 30_000);
    if (taken.has(port)) continue;
    taken.add(port); // at once: machines are booted side by side
    if (await isFree(port)) return port;
  }
  throw new DroverError("DROVER_MACHINES_NETWORK", "no free port was found on 127.0.0.1", {
    subject: "ports 20000 to 29999",
    remedy: "End what listens there.",
  });
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    server.close();
    await once(server, "close");
    return true;
  } catch {
    return false;
  }
}
