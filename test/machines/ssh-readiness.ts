import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { DroverError } from "../../nix/drover-error.ts";
import { runCommand } from "./run-command.ts";

interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * Waits until an SSH server greets at this address.
 * @param ended settles, with the reason, when there is no hope any more
 * @throws DroverError DROVER_MACHINE_BOOT when the machine ended, or did not greet within 10 seconds
 */
export async function waitForGreeting(address: Address, ended: Promise<string>): Promise<void> {
  const over = new AbortController();
  const outcome = await Promise.race([
    ended,
    sleep(10_000, "did not greet within 10 seconds", { signal: over.signal, ref: false }),
    untilTrue(() => greets(address), over.signal).then(() => "greeted"),
  ]).finally(() => over.abort());
  if (outcome === "greeted") return;
  throw new DroverError("DROVER_MACHINE_BOOT", `no SSH server at ${address.host}:${address.port}: it ${outcome}`);
}

/** Waits until the server presents this key (base64 of the public key line) to a new connection. */
export async function waitForHostKey(address: Address, hostKey: string, signal: AbortSignal): Promise<void> {
  const [type = "", key = ""] = Buffer.from(hostKey, "base64").toString().split(" ");
  await untilTrue(async () => {
    const scan = ["-T", "2", "-t", type, "-p", String(address.port), address.host];
    return (await runCommand("ssh-keyscan", scan)).stdout.includes(key);
  }, signal);
}

async function untilTrue(condition: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !(await condition())) await sleep(5);
  signal.throwIfAborted();
}

function greets({ host, port }: Address): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host, port, timeout: 1000 });
  socket.once("data", (data) => resolve(data.toString("latin1").startsWith("SSH-")));
  for (const event of ["error", "timeout", "close"]) socket.once(event, () => resolve(false));
  return promise.finally(() => socket.destroy());
}
