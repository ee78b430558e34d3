import type { Dataset, Executor, PairExample, TextExample } from '@imglish/core';
import { mapDataset } from '@imglish/data';
import {
  evaluatePretraining,
  labelFrequencies,
  type PretrainEvaluation,
  type PretrainTokenizers,
  recipeBatches,
} from '@imglish/pretrain';
import { progress } from '@imglish/train/node';
import type { EmojiData } from './prepare.js';
import type { QuickstartSettings } from './settings.js';

/** Batches of training data from which the frequencies of labels are counted. */
const FREQUENCY_BATCHES = 60;
/** Batches that are scored of each unseen split. */
const EVALUATION_BATCHES = 40;
/** Masks of the evaluation are drawn from another seed than those of the training. */
const EVALUATION_SEED = 1_000_003;

export interface QuickstartEvaluation {
  /** Concepts that training never showed. */
  unseenConcepts: PretrainEvaluation;
  /** Concepts that it showed, in a style that it did not. */
  unseenStyle: PretrainEvaluation;
}

/** Fills in blanks of unseen pictures and captions and scores them beside the baselines. `executor` has the model's parameters. */
export async function evaluateQuickstart(
  executor: Executor,
  settings: QuickstartSettings,
  data: EmojiData,
  tokenizers: PretrainTokenizers,
  json: boolean,
): Promise<QuickstartEvaluation> {
  const { config, recipe } = settings;
  const shown = progress('filling in blanks of unseen items', 3, { json });
  const training = recipeBatches({ config, recipe, ...data, ...tokenizers });
  const frequencies = await labelFrequencies(training, FREQUENCY_BATCHES);
  shown.advance();
  const score = async (pairs: Dataset<PairExample>, texts: Dataset<TextExample>) => {
    const images = mapDataset(pairs, ({ id, image }) => ({ id, image }));
    const unseen = recipeBatches({
      ...tokenizers,
      config,
      recipe: { ...recipe, seed: recipe.seed + EVALUATION_SEED },
      pairs,
      images,
      texts,
    });
    const batches = Math.min(EVALUATION_BATCHES, Math.floor(pairs.size / recipe.mix.pair));
    const evaluation = await evaluatePretraining(executor, config, unseen, batches, frequencies);
    shown.advance();
    return evaluation;
  };
  const unseenConcepts = await score(data.unseenConcepts, data.unseenTexts);
  const captions = mapDataset(data.unseenStyle, (pair) => ({
    id: pair.id,
    text: pair.captions[0]!,
  }));
  const unseenStyle = await score(data.unseenStyle, captions);
  shown.finish();
  return { unseenConcepts, unseenStyle };
}
