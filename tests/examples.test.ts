import { describe, expect, it } from 'vitest';
import { expectedLines, firstExample } from './examples.ts';

describe('the example of a README', () => {
  it('is its first code block', () => {
    const markdown = 'Text\n\n```ts\nconst a = 1;\n```\n\n```ts\nconst b = 2;\n```\n';
    expect(firstExample(markdown)).toBe('const a = 1;\n');
  });

  it('must be there, and be TypeScript', () => {
    expect(() => firstExample('Text')).toThrow('not ```ts');
    expect(() => firstExample('```sh\nnpm install\n```\n```ts\n1\n```\n')).toThrow('not ```ts');
  });

  it('says what it prints', () => {
    const code = 'console.log(a); // → 1, 2\nf(); // → no\nconsole.log(b(")")); // → done\n';
    expect(expectedLines(code)).toEqual(['1, 2', 'done']);
  });
});
