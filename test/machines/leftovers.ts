import { readFileSync, readdirSync } from "node:fs";
import { isFleetAlive } from "./fleet-identity.ts";
import { isHostLink } from "./switched-network.ts";
import { listProcesses, readEnvironmentVariable } from "./processes.ts";

/**
 * What is left on the host of fleets that are disposed of, or whose owners died: a line for each process, network
 * link and mount. Fleets in use, of this process or others, are not listed. The kernel takes a network down some
 * moments after its last process, so after the death of an owner ask again for about a second.
 */
export async function findLeftovers(): Promise<string[]> {
  const processes = listProcesses().flatMap(({ pid, command }) => {
    const fleet = pid === process.pid ? undefined : readEnvironmentVariable(pid, "DROVER_FLEET");
    return fleet !== undefined && !isFleetAlive(fleet) ? [`process ${pid} (${command}) of fleet ${fleet}`] : [];
  });

  const links = readdirSync("/sys/class/net")
    .filter(isHostLink)
    .flatMap((link) => {
      const fleet = readAlias(link);
      return fleet !== "" && !isFleetAlive(fleet) ? [`network link ${link} of fleet ${fleet}`] : [];
    });

  // Machines mount in namespaces of their own, so a mount that the host can see is wrong whoever made it.
  const mounts = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => / - tmpfs drover-(machine|store)-/u.test(line))
    .map((line) => `mount ${line.split(" ")[4] ?? line}`);

  return [...processes, ...links, ...mounts];
}

/** Empty when the link is gone, or so new that its fleet has not written its name yet. */
function readAlias(link: string): string {
  try {
    return readFileSync(`/sys/class/net/${link}/ifalias`, "utf8").trim();
  } catch {
    return "";
  }
}
