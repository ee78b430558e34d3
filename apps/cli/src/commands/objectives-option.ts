import type { ObjectiveWeights } from '@imglish/pretrain';
import { InvalidArgumentError } from 'commander';

/** Collects `name` or `name=weight`; whether there is such an objective, the recipe says. */
export function objectiveOption(text: string, before: ObjectiveWeights = {}): ObjectiveWeights {
  const [, name, weight = '1'] = /^([^=]+?)(?:=(.*))?$/.exec(text) ?? [];
  const value = weight.trim() === '' ? Number.NaN : Number(weight);
  if (name && Number.isFinite(value) && value >= 0) return { ...before, [name]: value };
  throw new InvalidArgumentError(
    'a name, or name=weight with a weight of at least 0, is expected.',
  );
}
