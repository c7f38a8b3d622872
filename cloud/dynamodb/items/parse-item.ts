import type * as z from "zod";
import { DroverError } from "../../../nix/drover-error.ts";
import type { Item } from "../database.ts";

/**
 * Reads an item of ours.
 *
 * @param key what the item is called, for the message
 * @throws {DroverError} DROVER_ITEM when the item is not what this version writes
 */
export function parseItem<Value>(schema: z.ZodType<Value>, item: Item, key: string): Value {
  const parsed = schema.safeParse(item);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new DroverError("DROVER_ITEM", `the item of ${key} is not readable: ${problems.join("; ")}`, {
    subject: key,
    remedy: "Deploy all functions and the runner from one version of Drover, or remove what edited the table by hand.",
    details: { problems },
  });
}
