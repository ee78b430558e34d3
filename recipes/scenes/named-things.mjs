import { readFileSync } from 'node:fs';

/**
 * Of captions: the share of a picture's kinds of things that its caption names, and the share of the
 * kinds named that are there, both as means over the pictures.
 *
 * @param scenes the `scenes.jsonl` of the pictures.
 * @param answers predictions beside references, as `imglish evaluate --predictions` writes them.
 */
export function namedThings(scenes, answers) {
  const lines = readFileSync(scenes, 'utf8').trim().split('\n');
  const there = new Map(
    lines.map((line) => {
      const { id, objects } = JSON.parse(line);
      return [Number(id), new Set(objects.map(({ noun }) => noun))];
    }),
  );
  const nouns = [...new Set([...there.values()].flatMap((set) => [...set]))];
  const forms = nouns.map((noun) => [noun, new RegExp(`\\b(${inflected(noun).join('|')})\\b`)]);
  const shares = answers.map(({ prediction, reference }) => {
    const things = there.get(Number(/\d+$/.exec(reference.id)[0]));
    const named = forms.filter(([, form]) => form.test(prediction.caption)).map(([noun]) => noun);
    const right = named.filter((noun) => things.has(noun)).length;
    return { recall: right / things.size, precision: right / Math.max(1, named.length) };
  });
  const mean = (name) => shares.reduce((sum, share) => sum + share[name], 0) / shares.length;
  return { 'things named': mean('recall'), 'named things there': mean('precision') };
}

/** A noun and its plural: bus, buses; cherry, cherries; knife, knives. */
function inflected(noun) {
  return [
    `${noun}(s|es)?`,
    noun.replace(/y$/, 'ies'),
    noun.replace(/fe?$/, 'ves'),
    noun.replace(/ouse$/, 'ice'),
    noun.replace(/man$/, 'men'),
  ];
}
