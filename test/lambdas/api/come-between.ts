import type { Cloud } from "../../../cloud/connect.ts";

/**
 * Lets something happen right after the first look at the machines that the work takes.
 *
 * @param look through which it sees them
 */
export async function comeBetween<Result>(
  { machines }: Cloud,
  look: "list" | "get",
  disturb: () => Promise<unknown>,
  work: () => Promise<Result>,
): Promise<Result> {
  const { list, get } = { list: machines.list.bind(machines), get: machines.get.bind(machines) };
  const disturbing = async <Seen>(seen: Seen): Promise<Seen> => {
    Object.assign(machines, { list, get });
    await disturb();
    return seen;
  };
  if (look === "list") machines.list = async () => disturbing(await list());
  else machines.get = async (name) => disturbing(await get(name));
  try {
    return await work();
  } finally {
    Object.assign(machines, { list, get });
  }
}
