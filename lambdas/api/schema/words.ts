import * as z from "zod";

const hash = "[0-9a-df-np-sv-z]{32}";
const name = "[0-9a-zA-Z+._?=-]{1,211}";

/** `/nix/store/<hash>-<name>`. Only the form; what a path means is for the operation to check. */
export const storePath = z
  .string()
  .regex(new RegExp(`^/nix/store/${hash}-${name}$`), "must be a store path: /nix/store/<hash>-<name>")
  .meta({ examples: ["/nix/store/8zd6jz1p7gl91sgrk9q63pkbvm4jnnfs-hello-2.12.1"] });

/** Moments are RFC 3339, in UTC, with milliseconds. */
export const moment = z.iso.datetime().meta({ examples: ["2026-11-22T13:37:00.000Z"] });

/** The 32 characters of the derivation's store path. */
export const stepId = z
  .string()
  .regex(new RegExp(`^${hash}$`))
  .meta({ examples: ["7m8jbdmk37rskdk2c1n7vkagq61dhf2x"] });

/** `bld_` and a UUID of version 7 without dashes: ids sort by age. */
export const buildId = z
  .string()
  .regex(/^bld_[0-9a-f]{32}$/)
  .meta({ examples: ["bld_0198f2a4c3b07d5e9a3c1f4e6b8d0a27"] });

/** `[user@]host[:port]`, the port only where it is not 22. */
export const machineName = z
  .string()
  .min(1)
  .max(500)
  .meta({ examples: ["nix@mac.example.org"] });

const wholeNumber = z
  .string()
  .regex(/^\d{1,9}$/, "must be a whole number")
  .transform(Number);

/** A query parameter: digits, within bounds. */
export function wholeNumberBetween(least: number, most: number): z.ZodType<number> {
  return wholeNumber.pipe(z.int().min(least).max(most));
}

/** A query parameter: `true` or `false`. */
export const flag = z
  .enum(["true", "false"])
  .transform((text) => text === "true")
  .pipe(z.boolean());

/** Where the next page begins; opaque. */
export const cursor = z.string().min(1).max(4_000);

/** Something that went wrong, with a stable code and, where there is one, what to do about it. */
export const fault = z
  .object({ code: z.string(), message: z.string(), remedy: z.string().optional() })
  .meta({ id: "Fault" });
