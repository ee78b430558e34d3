import { defineConfig } from 'tsup';

/** The build of every package: ESM for any runtime, one file per entry; types come from `tsc`. */
export function library(entry: string[] | Record<string, string>): ReturnType<typeof defineConfig> {
  return defineConfig({
    entry,
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    external: [/^node:/, /^@tensorflow\//, /^@imglish\//, /^onnxruntime-/, 'koffi', 'usearch'],
    sourcemap: true,
    splitting: true,
    clean: true,
    dts: false,
    silent: true,
  });
}
