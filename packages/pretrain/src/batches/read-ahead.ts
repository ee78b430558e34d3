/** What is read before it is asked for. */
export interface ReadAhead {
  /** Samples of each stream, at most: memory is that of so many. */
  readonly samples: number;
  /** How far the batches are apart that this rank asks for: the number of ranks. */
  readonly stride: number;
  /** Batches of the whole run, of all ranks; nothing beyond is read. */
  readonly batches: number;
}

/**
 * `read` of the samples of a stream, begun in the order in which a rank asks for them: batches of `each`
 * samples, every `stride`-th. At most `samples` are under way or held; asked for another than those, it
 * begins anew there. What a reading rejects with is kept for who asks.
 */
export function readAhead<T>(
  read: (number: number) => Promise<T>,
  each: number,
  { samples, stride, batches }: ReadAhead,
): (number: number) => Promise<T> {
  const held = new Map<number, Promise<T>>();
  let next = 0;
  const after = (number: number): number => {
    const isLast = (number + 1) % each === 0;
    return number + 1 + (isLast ? (stride - 1) * each : 0);
  };
  const begin = (number: number): Promise<T> => {
    const reading = read(number);
    reading.catch(() => {});
    next = after(number);
    return reading;
  };
  return (number) => {
    let asked = held.get(number);
    if (asked) held.delete(number);
    else {
      held.clear();
      asked = begin(number);
    }
    while (held.size < samples && next < batches * each) held.set(next, begin(next));
    return asked;
  };
}
