/** Task → what is said of it, metric by metric, and how a value is written. */
const rows = {
  'image-classification': [
    ['accuracy', 'classes, in a style never shown'],
    ['top5', '… among the first five'],
  ],
  'visual-question-answering': [
    ['accuracy', 'questions'],
    ['yes/no', '… yes or no'],
    ['number', '… numbers'],
    ['other', '… other answers'],
  ],
  'visual-reasoning': [
    ['accuracy', 'statements about two pictures'],
    ['consistency', '… all of a statement right'],
  ],
  'image-captioning': [
    ['things named', 'captions: things that are named'],
    ['named things there', '… named things that are there'],
    ['CIDEr', '… CIDEr-D'],
    ['BLEU-4', '… BLEU-4'],
  ],
  'image-text-retrieval': [
    ['imageR@1', 'text finds its image among 1,000, R@1'],
    ['imageR@10', '… R@10'],
    ['textR@1', 'image finds a text of its own among 5,000, R@1'],
    ['textR@10', '… R@10'],
  ],
};

/** The results as a table of Markdown; tasks that have none yet are left out. */
export function tableOf(tasks, scoresOf) {
  const head = [
    'unseen combinations',
    'model',
    'blind model',
    'most frequent',
    'near in pixels',
    'chance',
  ];
  const lines = tasks.flatMap((task) => {
    const scores = scoresOf(task);
    if (!scores) return [];
    const { metrics, blindModel, majority, pixels, chance } = scores;
    return rows[task].map(([name, title]) => [
      title,
      `**${shown(name, metrics)}**`,
      ...[blindModel, majority, pixels, chance].map((others) => shown(name, others)),
    ]);
  });
  const ruled = [head, ['---', ...head.slice(1).map(() => '--:')], ...lines];
  return ruled.map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

function shown(name, metrics) {
  const value = metrics?.[name];
  if (value === undefined) return '–';
  return name === 'CIDEr' ? value.toFixed(2) : `${(100 * value).toFixed(1)} %`;
}
