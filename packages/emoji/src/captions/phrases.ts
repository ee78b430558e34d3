import { colourWords } from './colour-words.js';

/** Words that begin with a vowel letter but a consonant sound, or the reverse. */
const consonantSound = /^(uni|use|euro|one\b|ewe|ufo)/i;
const vowelSound = /^(hour|x-ray|sos\b|ng\b|mx\b)/i;

/** Nouns, or their last words, that are names, substances, activities or states. */
const bare = new RegExp(
  `(^| )(${[
    'rolling|star-struck|dizzy|dashing away|breast-feeding|poo|zzz|thumbs up|thumbs down|selfie',
    'bread|rice|butter|salt|ice|bacon|meat|broccoli|garlic|corn|food|popcorn|custard|cooking',
    'spaghetti|oden|sushi|sake|milk|beverage|liquid|bubble tea|water|poker|coral|bamboo',
    'mount fuji|tokyo tower|statue|kaaba|foggy|construction|fog|fire|high voltage|camping|wood',
    'baseball|softball|basketball|volleyball|football|tennis|bowling|hockey|lacrosse|ping pong',
    'badminton|racing|skis|clothes|thread|yarn|lipstick|nail polish|dna|soap|luggage|e-mail|mail',
    'locked|unlocked|crossing|smoking|littering|eighteen|radioactive|prohibited|entry|mode|off',
    'information|wireless|registered|infinity|multiply|plus|minus|divide|om|yin yang|uppercase',
    'lowercase|customs|santa claus|mrs. claus|mx claus|aries|taurus|gemini|cancer|leo|virgo',
    'libra|scorpio|sagittarius|capricorn|aquarius|pisces|ophiuchus',
  ].join('|')})$`,
  'i',
);

const pluralAtFirst =
  /^(people|women|men|clinking|hundred|two|clapping|raising|heart hands|open hands|folded|palms|no|woman and man) /i;

const singularInS = /(ss|us|os|is|lens|princess|glass|compass|cross|bus)$/i;

/** What follows one of these words says nothing about the number of the noun before it. */
const afterNoun =
  / (?:with|without|of|and|in|on|from|over|at|behind|between|showing|pointing|holding) /;

/**
 * An English label as a noun phrase without an article: "flag: Germany" → "flag of Germany",
 * "man: red hair" → "man with red hair", "family: man, boy" → "family of man and boy".
 */
export function englishPhrase(label: string): string {
  const colon = label.indexOf(': ');
  if (colon < 0) return label;
  const head = label.slice(0, colon);
  const tail = label.slice(colon + 2);
  if (head === 'flag') return `flag of ${tail}`;
  if (head === 'keycap') return `key ${tail}`;
  if (tail === 'bald') return `bald ${head}`;
  if (tail === 'beard') return `${head} with a beard`;
  if (tail.endsWith('hair')) return `${head} with ${tail}`;
  if (tail.startsWith('facing')) return `${head} ${tail}`;
  const parts = tail.split(', ');
  const last = parts.pop()!;
  const list = parts.length === 0 ? last : `${parts.join(', ')} and ${last}`;
  return head === 'family' ? `${head} of ${list}` : `${head} between ${list}`;
}

/** A noun phrase with "a", "an", "the" or nothing before it, as its first and last words ask for. */
export function withArticle(phrase: string): string {
  if (phrase.startsWith('flag of ')) return `the ${phrase}`;
  if (takesNoArticle(phrase)) return phrase;
  const first = phrase.replace(/^[“"(]/, '');
  const vowel = vowelSound.test(first) || (/^[aeiou]/i.test(first) && !consonantSound.test(first));
  return `${vowel ? 'an' : 'a'} ${phrase}`;
}

function takesNoArticle(phrase: string): boolean {
  if (pluralAtFirst.test(phrase) || /^\w+-thirty$|o’clock$/.test(phrase)) return true;
  const noun = phrase.split(afterNoun)[0]!;
  if (/^(face|person|man|woman) /.test(phrase)) return false;
  if (bare.test(noun)) return true;
  return noun.endsWith('s') && !singularInS.test(noun);
}

/** A Chinese label without the colon of its pattern: "旗: 德国" → "德国旗". */
export function chinesePhrase(label: string): string {
  const [head, tail] = label.split(/[:：]\s*/) as [string, string?];
  if (tail === undefined) return label;
  if (head === '旗') return `${tail}旗`;
  if (head === '按键') return `${tail}键`;
  if (/[发顶]$/.test(tail) || tail.startsWith('面向')) return `${tail}的${head}`;
  return `${head}（${tail}）`;
}

/** Colours that labels name, and their Chinese words. */
const colours: Readonly<Record<string, string>> = { 'light blue': '浅蓝色', ...colourWords };

const colourPattern = new RegExp(`^(?:(large|small) )?(${Object.keys(colours).join('|')}) (.+)$`);

/** Labels whose colour word is part of a name and not to be seen. */
const colourOnlyInName = /cane|flower|nib/;

/** The colour that a label says its thing has, and the thing: "red apple" → red, "apple". */
export function colourOf(
  label: string,
): { readonly en: string; readonly zh: string; readonly thing: string } | undefined {
  const match = colourPattern.exec(label);
  if (!match || colourOnlyInName.test(label)) return undefined;
  const [, size, colour, noun] = match as unknown as [string, string | undefined, string, string];
  return { en: colour, zh: colours[colour]!, thing: size ? `${size} ${noun}` : noun };
}
