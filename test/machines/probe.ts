import { readFile } from "node:fs/promises";

/** One line of the probe file: a `probe` derivation (see derivations.nix) that starts or ends somewhere. */
export interface ProbeEvent {
  /** Milliseconds since 1970, by the clock that all machines share. */
  readonly at: number;
  readonly kind: "start" | "end";
  readonly machine: string;
  /** The derivation's name. */
  readonly step: string;
}

/** In the order in which they were written. A step that was killed has a start and no end. */
export async function readProbe(file: string): Promise<ProbeEvent[]> {
  const lines = (await readFile(file, "utf8")).split("\n").slice(0, -1);
  return lines.map((line) => {
    const [nanoseconds, kind, machine = "", step = ""] = line.split(" ");
    return { at: Number(nanoseconds) / 1e6, kind: kind === "start" ? "start" : "end", machine, step };
  });
}

/** The most steps that one machine ran at one moment. */
export function mostAtOnce(events: readonly ProbeEvent[], machine: string): number {
  let running = 0;
  let most = 0;
  for (const event of events) {
    if (event.machine !== machine) continue;
    running += event.kind === "start" ? 1 : -1;
    most = Math.max(most, running);
  }
  return most;
}
