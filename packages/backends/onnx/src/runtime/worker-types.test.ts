import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, it } from 'vitest';

const path = (from: string): string => fileURLToPath(new URL(from, import.meta.url));

// The rest is TypeScript; these are started as they lie here.
it('the workers have correct types', { timeout: 120_000 }, () => {
  const root = path('../../../../../');
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, root);
  const files = ['./host.js', './node-worker.js', './web-worker.js'].map(path);
  const program = ts.createProgram(files, {
    ...options,
    isolatedDeclarations: false,
    declaration: false,
    allowJs: true,
    checkJs: true,
  });
  const problems = files.flatMap((file) => {
    const source = program.getSourceFile(file);
    return [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ].map(({ messageText }) => `${file}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`);
  });
  expect(problems).toEqual([]);
});
