import lookalikes from './lookalikes.json';

/** Concepts that differ in gender in ways that neither code points nor labels show. */
const sameButForGender: readonly (readonly string[])[] = [
  ['1F9D3', '1F474', '1F475'], // older person, old man, old woman
  ['1FAC5', '1F934', '1F478'], // person with crown, prince, princess
  ['1F9D1-200D-1F384', '1F385', '1F936'], // Mx, Santa and Mrs. Claus
  ['1F9D1-200D-1F91D-200D-1F9D1', '1F46D', '1F46B', '1F46C'], // people holding hands
];

/**
 * For each concept the id of the first concept of its cluster.
 *
 * A cluster unites what a model, or a person, could take for the same picture: variants of gender,
 * of age within a family, and of direction (up, left, facing right, …), and concepts that some style
 * draws alike (`lookalikes.json`: see `findLookalikes`). Splits keep clusters whole.
 */
export function clusterConcepts(
  concepts: readonly { readonly id: string; readonly label: string }[],
): string[] {
  const sets = disjointSets(concepts.length);
  const position = new Map(concepts.map(({ id }, index) => [id, index]));
  const firstWith = new Map<string, number>();
  concepts.forEach(({ id, label }, index) => {
    for (const key of [`code ${neutralCode(id)}`, `label ${neutralLabel(label)}`]) {
      const first = firstWith.get(key);
      if (first === undefined) firstWith.set(key, index);
      else sets.unite(first, index);
    }
  });
  for (const alike of [
    ...sameButForGender,
    ...(lookalikes as string[]).map((ids) => ids.split(' ')),
  ]) {
    const known = alike.flatMap((id) => position.get(id) ?? []);
    for (const index of known.slice(1)) sets.unite(known[0]!, index);
  }
  return concepts.map((_, index) => concepts[sets.find(index)]!.id);
}

/** Code points without the presentation selector, gender signs and "facing right". */
function neutralCode(id: string): string {
  return id
    .toLowerCase()
    .replaceAll('-fe0f', '')
    .replace(/-200d-(2640|2642|27a1)/g, '')
    .replace(/\b1f46[89]\b/g, '1f9d1') // man, woman → person
    .replace(/\b1f46[67]\b/g, '1f9d2'); // boy, girl → child
}

/** The label with neutral words for people and one word for all directions. */
function neutralLabel(label: string): string {
  return label
    .toLowerCase()
    .replace(/\b(men|women)\b/g, 'people')
    .replace(/\b(man|woman)\b/g, 'person')
    .replace(/\b(boy|girl)\b/g, 'child')
    .replace(/\b(left|right|up|down)(wards)?\b/g, '→')
    .replace(/(→[- ]?)+/g, '→');
}

/** Disjoint sets of 0 … size-1; a set is known by its smallest member. */
export function disjointSets(size: number): {
  find(member: number): number;
  unite(a: number, b: number): void;
} {
  const parent = Int32Array.from({ length: size }, (_, index) => index);
  const find = (member: number): number => {
    let root = member;
    while (parent[root] !== root) root = parent[root]!;
    parent[member] = root;
    return root;
  };
  return {
    find,
    unite(a: number, b: number): void {
      const [first, second] = [find(a), find(b)].sort((x, y) => x - y) as [number, number];
      parent[second] = first;
    },
  };
}
