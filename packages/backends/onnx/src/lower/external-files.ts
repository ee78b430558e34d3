/**
 * Names under which a model points into files: the last part of each path or URL, with a number
 * behind it where two files have the same.
 */
export function externalNames(files: readonly string[]): Map<string, string> {
  const names = new Map<string, string>();
  const taken = new Set<string>();
  for (const file of files) {
    if (names.has(file)) continue;
    const last =
      file
        .replace(/[?#].*$/, '')
        .split(/[\\/]/)
        .at(-1) || 'weights';
    let name = last;
    for (let i = 2; taken.has(name); i++) name = `${last}.${i}`;
    taken.add(name);
    names.set(file, name);
  }
  return names;
}
