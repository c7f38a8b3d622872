import { type Bill, billOf } from "./bill.ts";
import type { Charge } from "./charge.ts";
import { chargesAtRest } from "./charges.ts";
import { measuredSteps, thousandSteps } from "./measured.ts";
import { type Price, priceRegion, prices, pricesAsOf } from "./prices.ts";

/** What is computed stands between two such comments; all else of the page is written by hand. */
const part = (name: string) => new RegExp(`(?<=<!-- computed: ${name} -->\n\n).*?(?=\n\n<!-- end -->)`, "s");

/**
 * The page `docs/cost.md` with what is computed in its place.
 *
 * @param page the page as it is
 * @param synthesized the template, as parsed JSON
 */
export function costPage(page: string, synthesized: unknown): string {
  const rest = billOf(chargesAtRest(synthesized));
  const steps = billOf(thousandSteps);
  const parts = {
    summary: summaryOf(rest, steps),
    "at rest": tableOf(rest, "a month"),
    "1,000 steps": tableOf(steps, "for 1,000 steps"),
    prices: priceTable(),
  };
  return Object.entries(parts).reduce((text, [name, content]) => {
    if (!part(name).test(text)) throw new Error(`docs/cost.md has no place for "${name}"`);
    return text.replace(part(name), () => content);
  }, page);
}

function summaryOf(rest: Bill, steps: Bill): string {
  return [
    "| USD | with what is always free | without |",
    "|---|---:|---:|",
    `| a month in which nothing is built | **${dollars(rest.paid, 2)}** | ${dollars(rest.listed, 2)} |`,
    `| 1,000 steps | **${dollars(steps.paid, 2)}** | ${dollars(steps.listed, 2)} |`,
    "",
    `Prices of ${priceRegion}, written down on ${pricesAsOf}; requests measured on ${measuredSteps}.`,
  ].join("\n");
}

function tableOf({ lines, paid, listed }: Bill, of: string): string {
  return [
    `| USD ${of} | quantity | with what is always free | without |`,
    "|---|---:|---:|---:|",
    ...lines
      .toSorted((a, b) => b.paid - a.paid || b.listed - a.listed)
      .map((line) => `| ${line.what} | ${quantityOf(line)} | ${dollars(line.paid, 3)} | ${dollars(line.listed, 3)} |`),
    `| **in all** | | **${dollars(paid, 2)}** | ${dollars(listed, 2)} |`,
  ].join("\n");
}

function priceTable(): string {
  const rows = Object.values<Price>(prices).map(({ usd, unit, free, page }) => {
    const many = usd < 0.0001 ? 1_000_000 : 1;
    const each = many === 1 ? unit : `million ${unit}`;
    return `| ${each} | ${Number((usd * many).toPrecision(6))} | ${free === undefined ? "" : amount(free)} | <${page}> |`;
  });
  return ["| | USD | free each month | page |", "|---|---:|---:|---|", ...rows].join("\n");
}

function quantityOf({ quantity, price }: Charge): string {
  const { unit } = prices[price];
  return `${amount(quantity)} ${quantity === 1 ? unit.replace(/s$/, "") : unit}`;
}

function dollars(value: number, digits: number): string {
  return value.toFixed(digits);
}

function amount(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 3 });
}
