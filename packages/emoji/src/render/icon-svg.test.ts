import { describe, expect, it } from 'vitest';
import { findIcon, type IconSet, iconSvg, withoutPresentationKeys } from './icon-svg.js';

const set: IconSet = {
  prefix: 'test',
  width: 28,
  height: 28,
  icons: {
    plain: { body: '<path/>' },
    offset: { body: '<path/>', left: 10, top: 20, width: 14, height: 28 },
    turned: { body: '<path/>', rotate: 1 },
  },
  aliases: {
    mirrored: { parent: 'plain', hFlip: true },
    twice: { parent: 'mirrored', hFlip: true },
    'by-label': { parent: 'offset', vFlip: true },
    circle: { parent: 'circle' },
  },
};

describe('iconSvg', () => {
  it('puts a margin of a sixteenth around the drawing and centres it', () => {
    expect(iconSvg(set, 'plain', 64)).toContain('width="64" height="64" viewBox="-2 -2 32 32"');
    expect(iconSvg(set, 'offset', 64)).toContain('viewBox="1 18 32 32"');
  });

  it('follows aliases and flips as they say', () => {
    expect(iconSvg(set, 'mirrored', 8)).toContain('translate(28 0) scale(-1 1)');
    expect(iconSvg(set, 'twice', 8)).not.toContain('scale');
    expect(iconSvg(set, 'by-label', 8)).toContain('translate(0 68) scale(1 -1)');
  });

  it('refuses what it cannot draw', () => {
    for (const name of ['absent', 'circle', 'turned']) {
      expect(() => iconSvg(set, name, 8)).toThrow(name);
    }
  });
});

describe('findIcon', () => {
  const names = withoutPresentationKeys({
    '2764-fe0f': 'plain',
    '1f3f4': 'mirrored',
    '2b50': 'gone',
  });

  it('looks for code points whatever their case and presentation, then for the label', () => {
    expect(findIcon(set, names, { id: '2764', label: 'x' })).toBe('plain');
    expect(findIcon(set, names, { id: '1F3F4-FE0F', label: 'x' })).toBe('mirrored');
    expect(findIcon(set, names, { id: '1F600', label: 'By: label' })).toBe('by-label');
    expect(findIcon(set, names, { id: '2B50', label: 'x' })).toBeUndefined();
  });
});
