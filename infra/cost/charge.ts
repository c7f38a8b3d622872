import { pollSeconds } from "./measured.ts";
import type { Priced } from "./prices.ts";

/** Something on the bill of a month. */
export interface Charge {
  readonly what: string;
  readonly price: Priced;
  readonly quantity: number;
}

/** As AWS's calculator has them. */
export const hours = 730;
export const minutes = hours * 60;

/** Of one connection to a queue in which nothing comes. */
export const pollsOfMonth = (minutes * 60) / pollSeconds;
