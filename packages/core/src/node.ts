export { fileDirectory } from './node/file-directory.js';
export { fileSink } from './node/file-sink.js';
export { fileSource } from './node/file-source.js';
export { isAlive } from './node/is-alive.js';
export { type NewFolder, newFolder, requireNewFolder } from './node/new-folder.js';
