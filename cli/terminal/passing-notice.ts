import type { Output } from "./output.ts";

/** Says on a terminal what is being waited for, and takes it back when disposed of. Elsewhere it says nothing. */
export function passingNotice(output: Output, text: string): Disposable {
  if (!output.isTerminal) return { [Symbol.dispose]: () => {} };
  // A line that wraps could not be taken back.
  output.write(output.style.dim(text.slice(0, Math.max(0, output.size.columns - 1))));
  let shown = true;
  return {
    [Symbol.dispose]() {
      if (shown) output.write("\r\u001b[K");
      shown = false;
    },
  };
}
