import type { Charge } from "./charge.ts";
import { type Price, type Priced, prices } from "./prices.ts";

export interface Bill {
  readonly lines: readonly (Charge & { readonly listed: number; readonly paid: number })[];
  /** USD with nothing free. */
  readonly listed: number;
  /** USD where nothing else in the account uses what is free for ever. */
  readonly paid: number;
}

/** What charges come to. The free units of a price are shared by all lines that have it. */
export function billOf(charges: readonly Charge[]): Bill {
  const left = new Map<Priced, number>();
  const lines = charges.map((charge) => {
    const { usd, free = 0 }: Price = prices[charge.price];
    const unused = left.get(charge.price) ?? free;
    const covered = Math.min(unused, charge.quantity);
    left.set(charge.price, unused - covered);
    return { ...charge, listed: charge.quantity * usd, paid: (charge.quantity - covered) * usd };
  });
  const sum = (of: "listed" | "paid") => lines.reduce((total, line) => total + line[of], 0);
  return { lines, listed: sum("listed"), paid: sum("paid") };
}
