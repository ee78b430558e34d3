import { DataError } from '@imglish/core';

/** An icon of an Iconify icon set, or an alias of one. */
interface IconProperties {
  readonly left?: number;
  readonly top?: number;
  readonly width?: number;
  readonly height?: number;
  readonly hFlip?: boolean;
  readonly vFlip?: boolean;
  readonly rotate?: number;
}

/** An icon set: the parts of Iconify's `icons.json` that drawings are made of. */
export interface IconSet extends IconProperties {
  readonly prefix: string;
  readonly icons: Readonly<Record<string, IconProperties & { readonly body: string }>>;
  readonly aliases?: Readonly<Record<string, IconProperties & { readonly parent: string }>>;
}

/** Names of icons by code points in lower-case hexadecimal: Iconify's `chars.json`. */
export type IconNames = Readonly<Record<string, string>>;

/**
 * Room around every drawing, as a share of the picture's side: the background of a picture that is
 * filled to the edges still shows.
 */
export const MARGIN: number = 1 / 16;

/**
 * Finds the icon of a concept: by its code points without `fe0f`, which sets write or omit as they
 * like, else by its label (aliases that flip an icon have no code points of their own).
 *
 * @returns the name of an icon or alias, or undefined where the set does not draw the concept.
 */
export function findIcon(
  set: IconSet,
  names: IconNames,
  concept: { readonly id: string; readonly label: string },
): string | undefined {
  const slug = concept.label
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  const candidates = [names[withoutPresentation(concept.id)], slug];
  return candidates.find(
    (name) => name !== undefined && (name in set.icons || name in (set.aliases ?? {})),
  );
}

/** `chars.json` with keys as `findIcon` looks them up. */
export function withoutPresentationKeys(names: IconNames): IconNames {
  return Object.fromEntries(
    Object.entries(names).map(([code, name]) => [withoutPresentation(code), name]),
  );
}

function withoutPresentation(code: string): string {
  return code.toLowerCase().replaceAll('-fe0f', '');
}

/**
 * An icon as an SVG document of `size` × `size` pixels: within a margin, centred, keeping its
 * proportions, with the flips of its aliases.
 *
 * @throws DataError `data/icon` for a name that leads nowhere or an icon that is rotated.
 */
export function iconSvg(set: IconSet, name: string, size: number): string {
  let hFlip = false;
  let vFlip = false;
  let properties: IconProperties = {};
  const apply = (next: IconProperties): void => {
    if (next.rotate) throw iconError(set, name, 'no rotation', `rotate ${next.rotate}`);
    hFlip = hFlip !== (next.hFlip ?? false);
    vFlip = vFlip !== (next.vFlip ?? false);
    properties = { ...next, ...properties };
  };
  const seen = new Set<string>();
  let current = name;
  for (;;) {
    const alias = set.aliases?.[current];
    if (current in set.icons || !alias || seen.has(current)) break;
    seen.add(current);
    apply(alias);
    current = alias.parent;
  }
  const icon = set.icons[current];
  if (!icon) throw iconError(set, name, 'an icon or an alias of one', current);
  apply(icon);
  const { left = 0, top = 0, width = 16, height = 16 } = { ...set, ...properties };

  const side = Math.max(width, height) / (1 - 2 * MARGIN);
  const x = left + (width - side) / 2;
  const y = top + (height - side) / 2;
  const flip =
    `translate(${hFlip ? 2 * left + width : 0} ${vFlip ? 2 * top + height : 0}) ` +
    `scale(${hFlip ? -1 : 1} ${vFlip ? -1 : 1})`;
  const body = hFlip || vFlip ? `<g transform="${flip}">${icon.body}</g>` : icon.body;
  return (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ' +
    `width="${size}" height="${size}" viewBox="${x} ${y} ${side} ${side}">${body}</svg>`
  );
}

function iconError(set: IconSet, name: string, expected: string, got: string): DataError {
  return new DataError({
    code: 'data/icon',
    where: `iconSvg(${set.prefix}:${name})`,
    expected,
    got,
    fix: 'The icon set is not of the version that Imglish pins.',
  });
}
