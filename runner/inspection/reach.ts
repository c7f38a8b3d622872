import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { DroverError } from "../../nix/drover-error.ts";
import type { MachineDestination } from "../machines/destination.ts";
import { unreachable } from "../ssh/failures.ts";
import { unlessAborted } from "../unless-aborted.ts";
import type { InspectionRows } from "./rows.ts";

/** Milliseconds for a name. */
const patience = 4_000;

/**
 * The row `dns`: the addresses of the host, or of the first jump host where there is one, since only that is looked up
 * from here.
 *
 * @returns whether it has any
 */
export async function lookUpHost(
  destination: MachineDestination,
  rows: InspectionRows,
  signal: AbortSignal,
): Promise<boolean> {
  const [jump] = destination.jumps;
  const { host, port } = jump ?? destination;
  const rest = jump === undefined ? "" : `, through which ${destination.host} is reached`;
  if (isIP(host) !== 0) {
    rows.passed("dns", `${host} is an address${rest}`);
    return true;
  }
  const limit = AbortSignal.timeout(patience);
  try {
    const found = await unlessAborted(lookup(host, { all: true }), AbortSignal.any([signal, limit]));
    rows.passed("dns", `${host} is ${found.map(({ address }) => address).join(", ")}${rest}`);
    return true;
  } catch (error) {
    signal.throwIfAborted();
    const cause = limit.aborted ? Object.assign(new Error("no answer"), { code: "EAI_AGAIN" }) : error;
    rows.failedBy("dns", unreachable({ machine: destination.machine, host, port }, cause));
    return false;
  }
}

/**
 * Does a step that a row stands for.
 *
 * @returns undefined when it failed, which the row says then
 * @throws what says nothing about the machine
 */
export async function orFailed<T>(
  check: Parameters<InspectionRows["failedBy"]>[0],
  rows: InspectionRows,
  step: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof DroverError)) throw error;
    rows.failedBy(check, error);
    return undefined;
  }
}
