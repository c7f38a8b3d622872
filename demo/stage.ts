import { styleText } from "node:util";

/** Prints the acts of the demo and remembers how long each took. */
export class Stage {
  readonly #durations: { title: string; seconds: number }[] = [];

  /** Announces an act, and prints afterwards how long it took. */
  async act<Result>(title: string, play: () => Promise<Result>): Promise<Result> {
    const number = this.#durations.length + 1;
    console.log(`\n${paint("bold", `${number}. ${title}`)}`);
    const began = performance.now();
    const result = await play();
    const seconds = (performance.now() - began) / 1000;
    this.#durations.push({ title, seconds });
    console.log(paint("dim", `   ${seconds.toFixed(1)} s`));
    return result;
  }

  /** Something to read, indented below the act's title. */
  say(text: string): void {
    for (const line of text.trimEnd().split("\n")) console.log(`   ${line}`);
  }

  printDurations(): void {
    console.log(`\n${paint("bold", "How long each act took")}`);
    for (const { title, seconds } of this.#durations) this.say(`${seconds.toFixed(1).padStart(6)} s  ${title}`);
  }
}

function paint(style: "bold" | "dim", text: string): string {
  return styleText(style, text, { stream: process.stdout });
}
