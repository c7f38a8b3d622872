import { styleText } from "node:util";

type Format = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Colours, or nothing at all: each function gives back its text unchanged when there is no colour. */
export type Style = Readonly<Record<Format, (text: string) => string>> & { readonly colour: boolean };

export function createStyle(colour: boolean): Style {
  const format = (name: Format) => (text: string) => (colour ? styleText(name, text, { validateStream: false }) : text);
  return {
    colour,
    bold: format("bold"),
    dim: format("dim"),
    red: format("red"),
    green: format("green"),
    yellow: format("yellow"),
    cyan: format("cyan"),
  };
}

export const plain = createStyle(false);

/** Colour is for terminals, and only where nobody objects (https://no-color.org: set and not empty). */
export function wantsColour(isTerminal: boolean, environment: NodeJS.ProcessEnv): boolean {
  return isTerminal && (environment["NO_COLOR"] ?? "") === "" && environment["TERM"] !== "dumb";
}
