/** How often each n-gram of 1 … 4 words occurs, by its words joined with spaces; one map for each n. */
export function countNGrams(words: readonly string[]): Map<string, number>[] {
  return [1, 2, 3, 4].map((n) => {
    const counts = new Map<string, number>();
    for (let i = 0; i + n <= words.length; i++) {
      const gram = words.slice(i, i + n).join(' ');
      counts.set(gram, (counts.get(gram) ?? 0) + 1);
    }
    return counts;
  });
}
