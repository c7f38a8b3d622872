import { findProcess } from "./processes.ts";

/**
 * Names of fleets: `<pid of the owner>.<start time of the owner>.<serial number>`. Every process of a machine carries
 * its fleet's name in the environment variable DROVER_FLEET, and the host's end of the network carries it as its
 * alias, so that anybody can tell whether the owner of a thing still lives, even after the pid was given anew.
 */
const alive = new Set<string>();
let serialNumber = 0;

export function registerFleet(): string {
  serialNumber += 1;
  const name = `${process.pid}.${findProcess(process.pid)?.startTime ?? "0"}.${serialNumber}`;
  alive.add(name);
  return name;
}

export function unregisterFleet(name: string): void {
  alive.delete(name);
}

/** Whether a fleet has an owner who has not disposed of it. Of another process, only whether it runs can be known. */
export function isFleetAlive(name: string): boolean {
  const [pid, startTime] = name.split(".");
  if (pid === undefined || startTime === undefined) return false;
  if (Number(pid) === process.pid) return alive.has(name);
  return findProcess(Number(pid))?.startTime === startTime;
}
