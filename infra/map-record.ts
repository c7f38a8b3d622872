/** The keys of a record, as its type knows them. */
export function keysOf<Key extends string>(record: Readonly<Record<Key, unknown>>): Key[] {
  return Object.keys(record).filter((key): key is Key => Object.hasOwn(record, key));
}

/** A record with the same keys, which Object.entries and Object.fromEntries would forget. */
export function mapRecord<Key extends string, Value, Result>(
  record: Readonly<Record<Key, Value>>,
  map: (key: Key, value: Value) => Result,
): Record<Key, Result> {
  const keys = keysOf(record);
  const mapped: Partial<Record<Key, Result>> = {};
  for (const key of keys) mapped[key] = map(key, record[key]);
  if (!hasAll(mapped, keys)) throw new TypeError("a record has lost a key while it was mapped");
  return mapped;
}

function hasAll<Key extends string, Value>(
  record: Partial<Record<Key, Value>>,
  keys: readonly Key[],
): record is Record<Key, Value> {
  return keys.every((key) => Object.hasOwn(record, key));
}
