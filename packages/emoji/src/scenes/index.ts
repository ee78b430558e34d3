export type { ColourName } from './colours.js';
export { composeScene, type SceneRequest } from './compose-scene.js';
export {
  type Composition,
  compositionsOf,
  heldOutIn,
  isHeldOut,
} from './compositions.js';
export { type SceneConcept, type SceneKind, sceneConcepts } from './concepts.js';
export type { SceneLibrary } from './library.js';
export { loadSceneLibrary } from './load-library.js';
export { NOBODY, paintScene } from './paint.js';
export type { QuestionPrior } from './question-prior.js';
export type { Question, QuestionKind } from './questions.js';
export type { Box, Scene, SceneObject } from './scene.js';
export type { SceneBackground } from './scene-backgrounds.js';
export { type DescribedScene, describedScenes, statementSets } from './scene-source.js';
export {
  planScenes,
  type SceneLayout,
  type ScenePlan,
  type SceneSplit,
  type ScenesOptions,
  sceneLayouts,
  sceneSplits,
} from './scenes-options.js';
export { type WriteSceneSheetOptions, writeSceneSheet } from './sheet/write-scene-sheet.js';
export type { StatementSet } from './statement-set.js';
export type { ScenePair, Statement, StatementKind } from './statements.js';
export {
  type ScenesSummary,
  type WriteScenesOptions,
  writeScenes,
} from './write/write-scenes.js';
