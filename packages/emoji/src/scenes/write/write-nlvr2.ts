import type { SceneLibrary } from '../library.js';
import { paintScene } from '../paint.js';
import { statementSets } from '../scene-source.js';
import { type ScenePlan, type SceneSplit, sceneSplits } from '../scenes-options.js';
import { encodeScenePng, type FileWriter } from './picture-files.js';

/** The name of a split's file and folder, and how its identifiers begin. */
export const nlvr2Splits: Readonly<Record<SceneSplit, readonly [name: string, prefix: string]>> = {
  train: ['train', 'train'],
  val: ['dev', 'dev'],
  test: ['test1', 'test1'],
  // Identifiers are cut at hyphens.
  'test-concepts': ['test-concepts', 'test_concepts'],
};

/** Sets of a folder of training pictures. */
const SETS_OF_DIRECTORY = 100;

/**
 * Writes statements about pairs of pictures as NLVR2. An identifier is
 * `split-set-pair-sentence`; a sentence is about the four pairs of its set, true of two.
 *
 * @param step is called after each picture.
 * @returns the number of examples by split.
 */
export async function writeNlvr2(
  files: FileWriter,
  library: SceneLibrary,
  plan: ScenePlan,
  step: () => void,
): Promise<Record<SceneSplit, number>> {
  const examples = { train: 0, val: 0, test: 0, 'test-concepts': 0 };
  for (const split of sceneSplits) {
    const [name, prefix] = nlvr2Splits[split];
    const lines: string[] = [];
    let set = 0;
    for (const { pairs, statements } of statementSets(library, plan, split)) {
      const directory = Math.floor(set / SETS_OF_DIRECTORY);
      const folder = split === 'train' ? `images/train/${directory}` : name;
      for (const [index, pair] of pairs.entries()) {
        for (const [side, scene] of pair.entries()) {
          const { image } = paintScene(library, scene);
          const file = `nlvr2/${folder}/${prefix}-${set}-${index}-img${side}.png`;
          await files.begin(encodeScenePng(image), file);
          step();
        }
        for (const [sentence, { statement, labels }] of statements.entries()) {
          lines.push(
            JSON.stringify({
              sentence: statement.sentence,
              identifier: `${prefix}-${set}-${index}-${sentence}`,
              label: labels[index] ? 'True' : 'False',
              ...(split === 'train' && { directory }),
            }),
          );
        }
      }
      set++;
    }
    examples[split] = lines.length;
    await files.text(`nlvr2/data/${name}.json`, `${lines.join('\n')}\n`);
  }
  return examples;
}
