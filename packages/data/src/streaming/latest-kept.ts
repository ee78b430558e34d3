/**
 * Values that are dear to make, by key: the latest used are kept while their bytes fit, the last one
 * in any case. A value that is being made is shared; one that fails is forgotten.
 */
export function latestKept<K, V>(
  keepBytes: number,
): (key: K, bytes: number, make: () => Promise<V>) => Promise<V> {
  // A Map remembers the order of insertion: the first is the one that was not used for longest.
  const kept = new Map<K, { value: Promise<V>; bytes: number }>();
  let total = 0;
  const forget = (key: K): void => {
    total -= kept.get(key)?.bytes ?? 0;
    kept.delete(key);
  };
  return (key, bytes, make) => {
    const known = kept.get(key);
    if (known) {
      kept.delete(key);
      kept.set(key, known);
      return known.value;
    }
    const entry = { value: make(), bytes };
    entry.value.catch(() => {
      if (kept.get(key) === entry) forget(key);
    });
    kept.set(key, entry);
    total += bytes;
    for (const oldest of kept.keys()) {
      if (total <= keepBytes || oldest === key) break;
      forget(oldest);
    }
    return entry.value;
  };
}
