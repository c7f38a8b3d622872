import * as z from "zod";
import type { BuildStep } from "../../../fleet/build.ts";
import { DroverError } from "../../../nix/drover-error.ts";

const schema = z.tuple([z.string().min(1), z.string().min(1)]);

/** The place behind a step in a build's list by name, as text that fits into a URL. */
export function encodeCursor({ name, step }: Pick<BuildStep, "name" | "step">): string {
  return Buffer.from(JSON.stringify([name, step])).toString("base64url");
}

/** @throws {DroverError} DROVER_CURSOR */
export function decodeCursor(cursor: string): Pick<BuildStep, "name" | "step"> {
  try {
    const [name, step] = schema.parse(JSON.parse(Buffer.from(cursor, "base64url").toString()));
    return { name, step };
  } catch (cause) {
    throw new DroverError("DROVER_CURSOR", `no list goes on at the cursor ${JSON.stringify(cursor)}`, {
      subject: "cursor",
      remedy: "Pass the cursor of the previous page as it was, or none to begin anew.",
      cause,
    });
  }
}
