import { type DataTask, dataFormats } from '@imglish/data';
import { type PreparedData, prepareData } from '@imglish/data/node';
import { normalizeAnswer } from '@imglish/tasks';
import { terminalRenderer } from '@imglish/train/node';
import { type Command, Option } from 'commander';
import { integer } from './options.js';

interface PrepareOptions {
  task?: DataTask;
  splits?: string[];
  limitErrors: number;
  leastCount?: number;
  decode?: boolean;
  json?: boolean;
}

const tasks = [...new Set(dataFormats.flatMap((format) => format.tasks))];

/** `imglish prepare`: checks a data set and writes down what need not be found again. */
export function registerPrepare(program: Command): void {
  const formats = dataFormats.map(({ name, description }) => `  ${name}: ${description}`);
  program
    .command('prepare')
    .description('check a data set, count, and write its index and its vocabulary of answers')
    .argument('<format>', 'one of those below')
    .argument('<root>', 'folder of the data set')
    .addOption(
      new Option('--task <name>', 'where the format serves several; needed for metadata').choices(
        tasks,
      ),
    )
    .option('--splits <names>', 'train,val,…; by default all', (text) => text.split(','))
    .option('--limit-errors <count>', 'stop after this many problems', integer(1), 20)
    .option('--least-count <count>', 'questions an answer needs for the vocabulary', integer(1))
    .option('--decode', 'decode every picture too')
    .option('--json', 'for programs')
    .addHelpText('after', `\nFormats:\n${formats.join('\n')}`)
    .action(async (format: string, root: string, options: PrepareOptions) => {
      const { json = false, ...rest } = options;
      const prepared = await prepareData(format, root, {
        ...rest,
        normalizeAnswer,
        onRecord: counter(json),
      });
      if (json) console.log(JSON.stringify(forPrograms(prepared)));
      else report(prepared);
      if (prepared.problems.length > 0) process.exitCode = 1;
    });
}

/** Shows how many records were checked; how many there are is known only at the end. */
function counter(json: boolean): (split: string, count: number) => void {
  const shown = terminalRenderer({ json });
  let since = performance.now();
  let before = '';
  return (split, count) => {
    if (split !== before) since = performance.now();
    before = split;
    const seconds = (performance.now() - since) / 1000;
    const rate = seconds > 0.1 ? count / seconds : 0;
    shown.update({
      label: `checking ${split}`,
      step: count,
      total: 0,
      rate,
      secondsLeft: undefined,
    });
  };
}

function forPrograms({ problems, ...rest }: PreparedData): object {
  return {
    ...rest,
    problems: problems.map(({ code, where, expected, got, fix }) => ({
      code,
      where,
      expected,
      got,
      fix,
    })),
  };
}

function report({ format, task, splits, labels, written, problems, stopped }: PreparedData): void {
  console.log(`${format} for ${task}`);
  for (const { split, examples, counts } of splits) {
    const more = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
    console.log(`  ${split}: ${[`${examples} examples`, ...more].join(', ')}`);
  }
  if (labels !== undefined) console.log(`  ${labels} labels`);
  for (const file of written) console.log(`wrote ${file}`);
  for (const { code, message } of problems) console.error(`${message} [${code}]`);
  if (problems.length > 0) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    console.error(`${count}${stopped ? ', and checking ended there' : ''}; nothing was written`);
  }
}
