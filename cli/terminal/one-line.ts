import { stripAnsi } from "../../nix/ansi.ts";

// oxlint-disable-next-line no-control-regex -- what may steer a terminal is what this is about
const controlCharacters = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** What a machine or a program has said, as part of a line: without escapes, control characters and line breaks. */
export function oneLine(text: string): string {
  return stripAnsi(text)
    .replaceAll(/\s*[\r\n]\s*/g, " ")
    .replaceAll(controlCharacters, "")
    .trim();
}

/** The same without its full stop, for the middle of a sentence. */
export function phrase(text: string): string {
  return oneLine(text).replace(/\.$/, "");
}
