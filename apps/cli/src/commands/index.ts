import type { Command } from 'commander';
import { registerConvert } from './convert.js';
import { registerDescribe } from './describe.js';
import { registerDoctor } from './doctor.js';
import { registerEvaluate } from './evaluate.js';
import { registerExport } from './export.js';
import { registerFill } from './fill.js';
import { registerFinetune } from './finetune.js';
import { registerParity } from './parity.js';
import { registerPredict } from './predict.js';
import { registerPrepare } from './prepare.js';
import { registerPretrain } from './pretrain.js';
import { registerQuickstart } from './quickstart.js';
import { registerScenes } from './scenes.js';
import { registerShards } from './shards.js';
import { registerTokenize } from './tokenize.js';
import { registerTokenizer } from './tokenizer.js';

/** Every command; a new one is a file here and a line. */
export const commands: readonly ((program: Command) => void)[] = [
  registerQuickstart,
  registerPretrain,
  registerFill,
  registerFinetune,
  registerEvaluate,
  registerPredict,
  registerTokenize,
  registerTokenizer,
  registerDescribe,
  registerConvert,
  registerExport,
  registerScenes,
  registerShards,
  registerPrepare,
  registerDoctor,
  registerParity,
];
