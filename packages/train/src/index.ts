export * from './optimizer/adamw.js';
export * from './optimizer/clip.js';
export * from './optimizer/groups.js';
export * from './schedule/schedule.js';
