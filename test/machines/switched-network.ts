import { randomInt } from "node:crypto";
import { networkInterfaces } from "node:os";
import { DroverError } from "../../nix/drover-error.ts";
import { startInNamespaces } from "./namespaced-process.ts";
import type { Cable, Network } from "./network.ts";
import { mustRun, programPath } from "./run-command.ts";

const firstHostNumber = 11;
const subnets = { first: 77, last: 127 };

/** Whether a network link of the host is the host's end of such a network. */
export function isHostLink(name: string): boolean {
  return /^drover-\d+$/u.test(name);
}

/**
 * A bridge in a network namespace that no name holds, only a process that ends with us; the host has one link into
 * it, and each machine one. So whatever becomes of us, the kernel removes all of it together with that process.
 *
 * Every end knows the others' hardware addresses for good: nothing learns of an absence by an unanswered ARP request,
 * and packets to a machine that is cut off simply vanish, as they do behind a router.
 *
 * @param machines how many cables there may be, at most 200
 */
export async function openSwitchedNetwork(fleetName: string, machines: number): Promise<Network> {
  await using opened = new AsyncDisposableStack();
  const env = { PATH: programPath, DROVER_FLEET: fleetName };
  const bridge = await startInNamespaces(["--net"], ["sh", "-c", "echo started; exec cat"], env);
  opened.defer(() => bridge.end());

  const subnet = await claimSubnet(bridge.pid);
  const link = `drover-${subnet}`;
  opened.defer(async () => {
    await mustRun("ip", ["link", "delete", link]);
  });
  const numbers = Array.from({ length: machines }, (_, index) => firstHostNumber + index);
  const neighbours = (device: string): string[] =>
    [1, ...numbers].map((number) => {
      const { address, hardware } = addressesOf(subnet, number);
      return `neighbour replace ${address} lladdr ${hardware} nud permanent dev ${device}`;
    });
  const { address, hardware } = addressesOf(subnet, 1);
  await ip([
    `link set ${link} alias ${fleetName}`,
    `link set ${link} address ${hardware}`,
    `address add ${address}/24 dev ${link}`,
    `link set ${link} up`,
    ...neighbours(link),
  ]);
  await ip(
    ["link add bridge0 type bridge", "link set bridge0 up", "link set host master bridge0", "link set host up"],
    bridge.pid,
  );

  const closing = opened.move();
  return {
    layCable: async (index) => layCable(bridge.pid, subnet, firstHostNumber + index, neighbours("eth0")),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

function layCable(bridge: number, subnet: number, number: number, neighbours: readonly string[]): Cable {
  const plug = `machine${number}`;
  const { address, hardware } = addressesOf(subnet, number);
  let isCut = false;
  let isPluggedIn = false;
  const unplug = async (): Promise<void> => {
    // The kernel removes the link as well, but not at once, and the next will have the same name.
    if (isPluggedIn) await ip([`link delete ${plug}`], bridge).catch(() => {});
    isPluggedIn = false;
  };
  return {
    host: address,
    port: 22,
    async plugIn(pid) {
      await unplug();
      isPluggedIn = true;
      await ip(
        [
          `link add ${plug} type veth peer name eth0 address ${hardware} netns ${pid}`,
          ...(isCut ? [] : [`link set ${plug} master bridge0`]),
          `link set ${plug} up`,
        ],
        bridge,
      );
      await ip(
        [
          "link set lo up",
          `address add ${address}/24 dev eth0`,
          "link set eth0 up",
          `route add default via ${addressesOf(subnet, 1).address}`,
          ...neighbours,
        ],
        pid,
      );
    },
    unplug,
    async cut() {
      isCut = true;
      if (isPluggedIn) await ip([`link set ${plug} nomaster`], bridge);
    },
    async heal() {
      isCut = false;
      if (isPluggedIn) await ip([`link set ${plug} master bridge0`], bridge);
    },
  };
}

function addressesOf(subnet: number, number: number): { address: string; hardware: string } {
  const [third, last] = [subnet, number].map((byte) => byte.toString(16).padStart(2, "0"));
  return { address: `10.${subnet}.0.${number}`, hardware: `02:64:72:76:${third}:${last}` };
}

/** The kernel lets only one link have a name, so making `drover-N` decides between fleets that boot at once. */
async function claimSubnet(bridge: number): Promise<number> {
  const inUse = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const count = subnets.last - subnets.first + 1;
  const start = randomInt(count);
  let cause: unknown;
  for (let tried = 0; tried < count; tried += 1) {
    const subnet = subnets.first + ((start + tried) % count);
    if (inUse.some(({ address }) => address.startsWith(`10.${subnet}.`))) continue;
    try {
      await ip([`link add drover-${subnet} type veth peer name host netns ${bridge}`]);
      return subnet;
    } catch (error) {
      cause = error;
      if (!String(error).includes("File exists")) break;
    }
  }
  throw new DroverError("DROVER_MACHINES_NETWORK", "no network could be made for the test machines", {
    subject: `10.${subnets.first}.0.0/24 to 10.${subnets.last}.0.0/24`,
    remedy: 'End other fleets of test machines (findLeftovers() names them), or boot with mode "processes".',
    cause,
  });
}

/** One ip(8) for all commands: a process for each would be most of the time that a machine takes to boot. */
async function ip(commands: readonly string[], namespaceOf?: number): Promise<void> {
  const input = `${commands.join("\n")}\n`;
  if (namespaceOf === undefined) await mustRun("ip", ["-batch", "-"], { input });
  else await mustRun("nsenter", ["--net", "--target", String(namespaceOf), "ip", "-batch", "-"], { input });
}
