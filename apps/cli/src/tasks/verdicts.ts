import { ConfigError } from '@imglish/core';
import type { FilledText } from '@imglish/pretrain';
import {
  answerScores,
  type Embeddings,
  type Evaluation,
  type Judgement,
  rougeL,
  type ScoredAnswer,
  type ScoredLabel,
  tokenizeCaption,
  type WrittenCaption,
} from '@imglish/tasks';

/** What a model said of one example, held against what is right, in words to be shown. */
export interface Verdict {
  /** 0 … 1. */
  readonly score: number;
  /** A line each; the first one is the answer. */
  readonly said: readonly string[];
  readonly right: readonly string[];
  /** Examples whose images are shown instead of its own, the nearest first. */
  readonly found?: readonly number[];
}

/** How the predictions of a task are judged one by one. */
export interface Judge {
  /** What a score is the measure of, where it says how good rather than right or wrong. */
  readonly graded?: string;
  verdicts(evaluation: Evaluation, labels: readonly string[]): readonly Verdict[];
}

/** Answers, and images found for a text, that are shown. */
const SHOWN = 3;

const classes: Judge = {
  verdicts: each<ScoredLabel[], number>((prediction, right, labels) => ({
    score: Number(prediction[0]!.index === right),
    said: prediction.slice(0, SHOWN).map(({ label, score }) => `${label} ${percent(score)}`),
    right: [labels[right]!],
  })),
};

const JUDGES: Readonly<Record<string, Judge>> = {
  'image-classification': classes,
  'text-classification': classes,
  'visual-question-answering': {
    verdicts: each<ScoredAnswer[], { answers: readonly string[] }>((prediction, { answers }) => {
      const scores = answerScores(answers);
      const best = [...scores].sort((a, b) => b[1] - a[1]).slice(0, SHOWN);
      return {
        score: scores.get(prediction[0]!.answer) ?? 0,
        said: prediction.slice(0, SHOWN).map(({ answer, score }) => `${answer} ${percent(score)}`),
        right: best.map(([answer]) => answer),
      };
    }),
  },
  'visual-reasoning': {
    verdicts: each<Judgement, { label: boolean }>(({ label, probability }, { label: right }) => ({
      score: Number(label === right),
      said: [`${label} ${percent(label ? probability : 1 - probability)}`],
      right: [String(right)],
    })),
  },
  'image-captioning': {
    graded: 'ROUGE-L',
    verdicts: each<WrittenCaption, { captions: readonly string[] }>(({ caption }, { captions }) => {
      const words = {
        caption: tokenizeCaption(caption),
        references: captions.map(tokenizeCaption),
      };
      return { score: rougeL([words]), said: [caption], right: captions };
    }),
  },
  'image-text-retrieval': {
    verdicts: ({ predictions }) => (predictions as readonly Embeddings[]).map(imagesOfText),
  },
  'fill-mask': {
    verdicts: each<FilledText, { word: string }>(({ blanks }, { word }) => {
      const guesses = blanks[0]!.slice(0, SHOWN);
      const plain = (piece: string) => piece.replaceAll('\u2581', '');
      return {
        score: Number(plain(guesses[0]!.piece) === word.normalize('NFKC')),
        said: guesses.map(({ piece, probability }) => `${plain(piece)} ${percent(probability)}`),
        right: [word],
      };
    }),
  },
};

/** Throws `config/no-report` for a task that it does not know. */
export function judgeOf(task: string): Judge {
  const judge = JUDGES[task];
  if (judge) return judge;
  throw new ConfigError({
    code: 'config/no-report',
    where: 'judgeOf',
    expected: `a task of which there is a report: ${Object.keys(JUDGES).join(', ')}`,
    got: task,
  });
}

function each<P, R>(
  verdict: (prediction: P, reference: R, labels: readonly string[]) => Verdict,
): Judge['verdicts'] {
  return ({ predictions, references }, labels) =>
    predictions.map((prediction, i) => verdict(prediction as P, references[i] as R, labels));
}

/** The images nearest to the first text of an example. */
function imagesOfText({ texts }: Embeddings, own: number, all: readonly Embeddings[]): Verdict {
  const similarities = all.map(({ image }) =>
    image.reduce((sum, x, i) => sum + x * texts[0]![i]!, 0),
  );
  const order = [...similarities.keys()].sort((a, b) => similarities[b]! - similarities[a]!);
  const found = order.slice(0, SHOWN);
  const line = (index: number) => `similarity ${similarities[index]!.toFixed(3)}`;
  return {
    score: Number(found[0] === own),
    said: found.map((index) => `${line(index)}${index === own ? ', its own' : ''}`),
    right: [`its own is number ${order.indexOf(own) + 1} of ${all.length}, ${line(own)}`],
    found,
  };
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
