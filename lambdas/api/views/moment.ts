/** A moment as the API writes it. @param time milliseconds since the epoch */
export function moment(time: number): string {
  return new Date(time).toISOString();
}

/** Optional moments of a view: those that have come. */
export function moments<Name extends string>(
  times: Readonly<Record<Name, number | undefined>>,
): Partial<Record<Name, string>> {
  const known: Partial<Record<Name, string>> = {};
  for (const name in times) {
    const time = times[name];
    if (time !== undefined) known[name] = moment(time);
  }
  return known;
}
