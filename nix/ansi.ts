import { stripVTControlCharacters } from "node:util";

/**
 * Nix's messages without their terminal escapes (colours, hyperlinks), for storage and comparison. An escape that is
 * cut short loses at least its ESC, so that what is left can't steer a terminal.
 */
export function stripAnsi(text: string): string {
  return stripVTControlCharacters(text).replaceAll("\u001b", "").replaceAll("\u009b", "");
}
