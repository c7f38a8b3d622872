import type { ByteString } from "../byte-string.ts";
import { DroverError } from "../drover-error.ts";

const quoteOrBackslash = /["\\]/g;
const escapes: ReadonlyMap<string, string> = new Map([
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);

/** Reads the tokens of an ATerm from left to right. Offsets are in bytes, since the text is a byte string. */
export class Cursor {
  readonly #text: ByteString;
  readonly #subject: string | undefined;
  #offset = 0;

  /** @param subject what is read, for errors: the path of the `.drv` file */
  constructor(text: ByteString, subject: string | undefined) {
    this.#text = text;
    this.#subject = subject;
  }

  get offset(): number {
    return this.#offset;
  }

  at(literal: string): boolean {
    return this.#text.startsWith(literal, this.#offset);
  }

  expect(literal: string): void {
    if (!this.at(literal)) throw this.unexpected(`'${literal}'`);
    this.#offset += literal.length;
  }

  expectEnd(): void {
    if (this.#offset < this.#text.length) throw this.unexpected("the end of the derivation");
  }

  /** Elements between `[` and `]`, separated by commas. */
  list(element: () => void): void {
    this.expect("[");
    if (!this.at("]")) {
      element();
      while (this.at(",")) {
        this.expect(",");
        element();
      }
    }
    this.expect("]");
  }

  /** A quoted string. A backslash stands for the next byte, except that `\n`, `\r` and `\t` are control characters. */
  string(): ByteString {
    if (!this.at('"')) throw this.unexpected("a string");
    const opening = this.#offset;
    let value = "";
    let from = opening + 1;
    for (;;) {
      const stop = this.#endOfRun(from);
      value += this.#text.slice(from, stop);
      const character = this.#text[stop];
      const escaped = this.#text[stop + 1];
      if (character === '"') {
        this.#offset = stop + 1;
        return value;
      }
      if (character === undefined || escaped === undefined) {
        throw this.fail(opening, "expected the closing quote of the string that starts here");
      }
      value += escapes.get(escaped) ?? escaped;
      from = stop + 2;
    }
  }

  unexpected(expected: string): DroverError {
    const found = this.#text.slice(this.#offset, this.#offset + 20);
    const shown = found === "" ? "the end" : JSON.stringify(found);
    return this.fail(this.#offset, `expected ${expected}, found ${shown}`, { expected });
  }

  fail(offset: number, problem: string, details: Record<string, unknown> = {}, cause?: unknown): DroverError {
    return new DroverError(
      "DROVER_DERIVATION_SYNTAX",
      `${this.#subject ?? "The derivation"} is malformed at byte ${offset}: ${problem}.`,
      {
        remedy: "Send the file as Nix wrote it; instantiate it again if it is damaged.",
        details: { offset, ...details },
        ...(this.#subject === undefined ? {} : { subject: this.#subject }),
        ...(cause === undefined ? {} : { cause }),
      },
    );
  }

  /** Offset of the next quote or backslash, or the end of the text. */
  #endOfRun(from: number): number {
    quoteOrBackslash.lastIndex = from;
    return quoteOrBackslash.exec(this.#text)?.index ?? this.#text.length;
  }
}
