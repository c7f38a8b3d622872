import { DroverError } from "../../nix/drover-error.ts";
import { plain, type Style } from "./style.ts";

/** An error for people: what is wrong and its code, then what to do about it, on a line of its own. */
export function errorText(error: unknown, style: Style = plain): string {
  if (!(error instanceof DroverError)) {
    return `${style.red("error:")} ${error instanceof Error ? (error.stack ?? error.message) : String(error)} (DROVER_UNEXPECTED)`;
  }
  const lines = [`${style.red("error:")} ${sentence(error.message)} ${style.dim(`(${error.code})`)}`];
  for (const detail of detailLines(error.details["errors"])) lines.push(`  ${detail}`);
  if (error.remedy !== undefined) lines.push(`${style.cyan("remedy:")} ${error.remedy}`);
  return lines.join("\n");
}

/** Ends with one full stop, whatever it came with. */
export function sentence(text: string): string {
  const trimmed = text.trimEnd();
  return /[.!?…]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}

/** The `errors` of `application/problem+json`: which field is wrong, and why. */
function detailLines(errors: unknown): string[] {
  if (!Array.isArray(errors)) return [];
  return errors.map((error: unknown) => {
    if (typeof error !== "object" || error === null) return String(error);
    const message = "message" in error ? String(error.message) : JSON.stringify(error);
    const place = "pointer" in error ? error.pointer : "parameter" in error ? error.parameter : undefined;
    return typeof place === "string" && place !== "" ? `${place}: ${message}` : message;
  });
}
