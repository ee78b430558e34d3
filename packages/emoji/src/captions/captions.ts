import { ConfigError, draw, type RandomStream } from '@imglish/core';
import type { EmojiConcept } from '../catalogue/catalogue.js';
import type { Background } from '../render/backgrounds.js';
import { type EmojiLanguage, type EmojiStyle, emojiLanguages } from '../styles.js';
import { groupWords, kinds, type Word } from './kinds.js';
import { chinesePhrase, colourOf, englishPhrase, withArticle } from './phrases.js';

export interface CaptionOptions {
  readonly style: EmojiStyle;
  /** Named in some captions, if given. */
  readonly background?: Background | undefined;
  /** Taken in turn, the first one first; `['en']` by default. */
  readonly languages?: readonly EmojiLanguage[];
  /** How many captions, at least one for each language; 5 by default. */
  readonly count?: number;
  readonly seed?: number;
}

/** How a style looks and what it is called. */
const styleWords: Readonly<Record<EmojiStyle, { look: Word; name: string }>> = {
  noto: { look: { en: 'a shaded drawing', zh: '有明暗的图画' }, name: 'noto' },
  twemoji: { look: { en: 'a flat drawing', zh: '扁平的图画' }, name: 'twemoji' },
  openmoji: { look: { en: 'an outlined drawing', zh: '有黑色轮廓的图画' }, name: 'openmoji' },
  'fluent-emoji-flat': { look: { en: 'a bright drawing', zh: '鲜艳的图画' }, name: 'fluent' },
};

/** What captions are made of. */
interface Facts {
  readonly concept: EmojiConcept;
  readonly style: EmojiStyle;
  readonly background: Background | undefined;
  readonly stream: RandomStream;
}

/** A sentence, or undefined where the facts lack what it is about. */
type Template = (facts: Facts) => string | undefined;

const englishName = ({ concept }: Facts): string => englishPhrase(concept.label.en);
const thing = (facts: Facts): string => withArticle(englishName(facts));
const chineseName = ({ concept }: Facts): string => chinesePhrase(concept.label.zh);
const kind = ({ concept }: Facts, language: EmojiLanguage): string =>
  kinds[concept.subgroup]![language];
const group = ({ concept }: Facts, language: EmojiLanguage): string =>
  groupWords[concept.group][language];
const look = ({ style }: Facts, language: EmojiLanguage): string =>
  styleWords[style].look[language];

/** The first template of a language is the plain one: what the picture shows, and no more. */
const templates: Readonly<Record<EmojiLanguage, readonly [Template, ...Template[]]>> = {
  en: [
    (facts) => `${thing(facts)}, ${kind(facts, 'en')}`,
    (facts) => `${look(facts, 'en')} of ${thing(facts)}`,
    (facts) => `this is ${thing(facts)}`,
    (facts) => `${group(facts, 'en')}: ${thing(facts)}`,
    (facts) => `${kind(facts, 'en')}: ${englishName(facts)}, ${look(facts, 'en')}`,
    (facts) => `${thing(facts)} in the style of ${styleWords[facts.style].name}`,
    (facts) => facts.background && `${thing(facts)} on a ${facts.background.name.en} background`,
    (facts) =>
      facts.background &&
      `${look(facts, 'en')} of ${thing(facts)}, the background is ${facts.background.name.en}`,
    (facts) => {
      const colour = colourOf(facts.concept.label.en);
      return colour && `the ${colour.thing} is ${colour.en}, ${kind(facts, 'en')}`;
    },
    (facts) => joined(someTags(facts, 'en'), (tags) => `${thing(facts)}: ${tags.join(', ')}`),
  ],
  zh: [
    (facts) => `${chineseName(facts)}，${kind(facts, 'zh')}`,
    (facts) => `${look(facts, 'zh')}：${chineseName(facts)}`,
    (facts) => `这是${chineseName(facts)}`,
    (facts) => `${group(facts, 'zh')}：${chineseName(facts)}`,
    (facts) => `${kind(facts, 'zh')}：${chineseName(facts)}，${look(facts, 'zh')}`,
    (facts) => facts.background && `${facts.background.name.zh}背景上的${chineseName(facts)}`,
    (facts) => {
      const colour = colourOf(facts.concept.label.en);
      return colour && `${chineseName(facts)}是${colour.zh}的，${kind(facts, 'zh')}`;
    },
    (facts) => joined(someTags(facts, 'zh'), (tags) => `${chineseName(facts)}：${tags.join('、')}`),
  ],
};

/**
 * Captions of a concept in a style: all different, the same for the same arguments.
 *
 * The first caption of every language is plain, what the picture shows and what kind of thing that
 * is; the others also name the style, the background, a colour, the group, or tags.
 *
 * @throws ConfigError `config/option` for a count below the number of languages.
 */
export function captionsOf(concept: EmojiConcept, options: CaptionOptions): string[] {
  const languages = options.languages ?? ['en'];
  const count = options.count ?? 5;
  checkCaptionOptions('captionsOf', languages, count);
  const stream = draw(options.seed ?? 0, `emoji/captions/${options.style}/${concept.id}`);
  const facts: Facts = { concept, style: options.style, background: options.background, stream };
  const sentences = languages.map((language) => {
    const [plain, ...others] = templates[language];
    const order = [...stream.permutation(others.length)].map((index) => others[index]!);
    const said = [plain, ...order].map((template) => template(facts));
    return [...new Set(said.filter((caption) => caption !== undefined))];
  });
  return Array.from(
    { length: count },
    (_, turn) => sentences[turn % languages.length]![Math.floor(turn / languages.length)]!,
  );
}

/** The most captions that every concept has in one language. */
const MOST_CAPTIONS = 5;

/** Throws a `ConfigError` for languages and counts that `captionsOf` cannot serve. */
export function checkCaptionOptions(
  where: string,
  languages: readonly EmojiLanguage[],
  count: number,
): void {
  const known = languages.every((language) => emojiLanguages.includes(language));
  if (languages.length === 0 || !known || new Set(languages).size < languages.length) {
    throw new ConfigError({
      code: 'config/option',
      where,
      expected: `languages to be one or more of ${emojiLanguages.join(', ')}`,
      got: JSON.stringify(languages),
    });
  }
  const most = MOST_CAPTIONS * languages.length;
  if (!Number.isInteger(count) || count < languages.length || count > most) {
    throw new ConfigError({
      code: 'config/option',
      where,
      expected: `${languages.length} … ${most} captions in ${languages.join(' and ')}`,
      got: String(count),
    });
  }
}

/** Two or three tags that say more than the label does. */
function someTags({ concept, stream }: Facts, language: EmojiLanguage): string[] {
  const label = concept.label[language].toLowerCase();
  const said = concept.tags[language].filter(
    (tag) => !label.includes(tag.toLowerCase()) && /^[\p{L}\p{N} -]+$/u.test(tag),
  );
  return [...stream.permutation(said.length)].slice(0, 3).map((index) => said[index]!);
}

function joined(
  tags: readonly string[],
  say: (tags: readonly string[]) => string,
): string | undefined {
  return tags.length > 1 ? say(tags) : undefined;
}
