/** The drawing styles, each an icon set of its own. */
export type EmojiStyle = 'noto' | 'twemoji' | 'openmoji' | 'fluent-emoji-flat';

/** All drawing styles. */
export const emojiStyles: readonly EmojiStyle[] = [
  'noto',
  'twemoji',
  'openmoji',
  'fluent-emoji-flat',
];

/** The languages that captions are written in. */
export type EmojiLanguage = 'en' | 'zh';

/** All languages of captions. */
export const emojiLanguages: readonly EmojiLanguage[] = ['en', 'zh'];

/** The part of the catalogue an emoji belongs to. */
export type EmojiGroup =
  | 'smileys-emotion'
  | 'people-body'
  | 'animals-nature'
  | 'food-drink'
  | 'travel-places'
  | 'activities'
  | 'objects'
  | 'symbols'
  | 'flags';

/** All groups, in the order of the catalogue. */
export const emojiGroups: readonly EmojiGroup[] = [
  'smileys-emotion',
  'people-body',
  'animals-nature',
  'food-drink',
  'travel-places',
  'activities',
  'objects',
  'symbols',
  'flags',
];
