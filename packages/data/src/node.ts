export * from './captions/caption-folder.js';
export * from './captions/parse-captions.js';
export * from './texts/text-files.js';
