/** The first code block of a README, which must be TypeScript. */
export function firstExample(markdown: string): string {
  const block = /^```(\w*)\n([\s\S]*?)^```$/m.exec(markdown);
  if (block?.[1] !== 'ts') throw new Error('the first code block is not ```ts');
  return block[2]!;
}

/** What the comments `// → text` behind `console.log` promise to be printed, in order. */
export function expectedLines(example: string): string[] {
  return [...example.matchAll(/console\.log\(.*\/\/ → (.*)$/gm)].map(([, text]) => text!.trimEnd());
}
