import { library } from '../../../tsup.base.ts';

export default library({
  index: 'src/index.ts',
  node: 'src/node.ts',
  // Started from beside the entries.
  'node-worker': 'src/runtime/node-worker.js',
  'web-worker': 'src/runtime/web-worker.js',
});
