import type { ColourName } from './colours.js';
import type { SceneConcept } from './concepts.js';

const numbers = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight'] as const;
const chineseNumbers = ['没有', '一', '两', '三', '四', '五', '六', '七', '八'] as const;

/** A number of 0 … 8 as an English word; 0 is "no". */
export function numberWord(count: number): string {
  return numbers[count]!;
}

/** "a" or "an" before a phrase; of the nouns of scenes none begins with a silent or a consonant vowel. */
export function withIndefinite(phrase: string): string {
  return `${/^[aeiou]/.test(phrase) ? 'an' : 'a'} ${phrase}`;
}

/** "a red car", "two red cars". */
export function countedThings(
  concept: SceneConcept,
  count: number,
  ...adjectives: string[]
): string {
  const noun = count === 1 ? concept.noun : concept.plural;
  const phrase = [...adjectives, noun].join(' ');
  return count === 1 ? withIndefinite(phrase) : `${numberWord(count)} ${phrase}`;
}

/** 两辆红色的汽车. */
export function chineseThings(
  { zh, measure }: SceneConcept,
  count: number,
  colour?: string,
): string {
  return `${chineseNumbers[count]}${measure}${colour ? `${colour}的` : ''}${zh}`;
}

/** A number as it stands before the measure word 个. */
export function chineseNumber(count: number): string {
  return chineseNumbers[count]!;
}

/** "a cat", "a cat and a dog", "a cat, a dog and two bells". */
export function listed(phrases: readonly string[]): string {
  if (phrases.length < 2) return phrases.join('');
  return `${phrases.slice(0, -1).join(', ')} and ${phrases.at(-1)}`;
}

/** How colours are written in questions and answers, which follow VQAv2: "gray". */
export function americanColour(colour: ColourName): string {
  return colour === 'grey' ? 'gray' : colour;
}
