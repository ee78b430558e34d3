export * from './captions/captions.js';
export { kinds, type Word } from './captions/kinds.js';
export * from './catalogue/catalogue.js';
export * from './catalogue/lookalikes.js';
export * from './licences/licences.js';
export { type Background, backgroundOf, compose, pastels, white } from './render/backgrounds.js';
export * from './sheet/contact-sheet.js';
export * from './styles.js';
