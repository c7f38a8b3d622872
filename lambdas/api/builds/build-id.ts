import { createHash } from "node:crypto";
import { uuidV7 } from "../../../cloud/uuid-v7.ts";

/** How long a key of any form is remembered, at least; in milliseconds. */
const hour = 3_600_000;
/** Bounds within which the time of a UUID of version 7 is believed: a client's clock may be wrong. */
const oldestKey = 24 * hour;
const fastestClock = 300_000;

/** A fresh id: `bld_` and a UUID of version 7 in hexadecimal digits, so that ids sort by age. */
export function newBuildId(now: number): string {
  return buildId(now);
}

/**
 * The ids that a build submitted with an idempotency key may have; a new one gets the first. They follow from the key,
 * so that two submissions at the same moment meet at one id. A key that is a UUID of version 7 gives the id its time;
 * any other gives it the hour, and the hour before is looked at as well.
 *
 * @param caller keys of different callers are different keys
 */
export function buildIdsOfKey(key: string, caller: string, now: number): readonly [string, ...string[]] {
  const tail = createHash("sha256").update(`${caller}\0${key}`).digest().subarray(0, 10);
  const time = uuidTime(key);
  if (time !== undefined && time > now - oldestKey && time < now + fastestClock) return [buildId(time, tail)];
  const thisHour = now - (now % hour);
  return [buildId(thisHour, tail), buildId(thisHour - hour, tail)];
}

/** @param tail ten bytes for the random bits @default random ones */
function buildId(time: number, tail?: Uint8Array): string {
  return `bld_${uuidV7(time, tail).replaceAll("-", "")}`;
}

function uuidTime(text: string): number | undefined {
  const uuid = /^([0-9a-f]{8})-?([0-9a-f]{4})-?7[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i.exec(text);
  return uuid === null ? undefined : Number.parseInt(`${uuid[1]}${uuid[2]}`, 16);
}
