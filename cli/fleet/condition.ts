import type { Machine } from "../../lambdas/api/schema/machines.ts";
import { phrase } from "../terminal/one-line.ts";
import type { Style } from "../terminal/style.ts";

/** Something that keeps a machine from building, or that it is ready. */
export interface Condition {
  readonly text: string;
  readonly tone: "green" | "yellow" | "red";
  /** What to do about it; undefined where somebody has wanted it so, or time will help. */
  readonly remedy?: string | undefined;
}

/** The code of the fault for which Drover drains a machine: whoever answers there is not who answered before. */
const hostKeyMismatch = "DROVER_HOST_KEY_MISMATCH";

/** All that keeps a machine from building, the gravest first; that it is ready when nothing does. */
export function conditionsOf(machine: Machine): readonly [Condition, ...Condition[]] {
  const { trusted, alternatives, maxJobs, systems } = machine;
  const offers = [{ maxJobs, systems }, ...alternatives];
  const obstacles = [
    ...drained(machine),
    ...(trusted ? [] : [untrusted(machine)]),
    ...ailing(machine),
    ...(offers.every((offer) => offer.maxJobs === 0)
      ? [{ text: "has no slots (maxJobs is 0)", tone: "yellow" } as const]
      : []),
    ...(offers.every((offer) => offer.systems.length === 0)
      ? [{ text: "builds for no system", tone: "yellow" } as const]
      : []),
  ];
  const [first, ...others] = obstacles;
  return first === undefined ? [{ text: "ready", tone: "green" }] : [first, ...others];
}

/** Whether the service's text says that Drover has drained a machine: somebody has to look at it. */
export function isAlarming(text: string): boolean {
  return /drained by Drover|HOST KEY CHANGED/.test(text);
}

export function conditionText(machine: Machine, style: Style): string {
  return conditionsOf(machine)
    .map(({ text, tone }) => style[tone](text))
    .join("; ");
}

function drained({ name, mode, drainedFor }: Machine): Condition[] {
  if (mode !== "drained") return [];
  if (drainedFor === null) return [{ text: "drained", tone: "yellow" }];
  const why = reasonText(name, drainedFor.message);
  if (drainedFor.code !== hostKeyMismatch) {
    const remedy = drainedFor.remedy ?? `When it is repaired: drover machines enable ${name}`;
    return [{ text: `drained by Drover (${why})`, tone: "red", remedy }];
  }
  const remedy =
    `Find out why: has it been installed anew, or is somebody in between? If the new key is its own: ` +
    `drover machines trust ${name} --replace`;
  return [{ text: `HOST KEY CHANGED: drained (${why})`, tone: "red", remedy }];
}

function untrusted({ name }: Machine): Condition {
  return {
    text: "untrusted (no host key is stored for it)",
    tone: "yellow",
    remedy: `Look at its host key and confirm it: drover machines trust ${name}`,
  };
}

function ailing({ name, health }: Machine): Condition[] {
  if (health.state === "healthy") return [];
  const why = reasonText(name, health.reason.message);
  const { remedy } = health.reason;
  if (health.state === "on-probation") return [{ text: `on probation (${why})`, tone: "yellow" }];
  return [{ text: `backing off until ${health.until} (${why})`, tone: "red", remedy }];
}

/** Messages name the machine, which stands before its condition already. */
function reasonText(name: string, message: string): string {
  const text = phrase(message);
  const start = [`${name}: `, `${name} `].find((prefix) => text.startsWith(prefix)) ?? "";
  return text.slice(start.length);
}
