import type { ByteSource } from '../bytes/bytes.js';
import { quote, refuse } from './refuse.js';
import { openSafetensors } from './safetensors.js';
import type { TensorFile } from './tensor-file.js';
import { openTorch } from './torch-reader.js';

/**
 * Opens a weights file of any known format, told apart by its first bytes: safetensors, or
 * PyTorch's `.pth` (zip or legacy). Throws `checkpoint/format` for anything else, and what
 * `openSafetensors` and `openTorch` throw.
 */
export async function openCheckpoint(source: ByteSource): Promise<TensorFile> {
  const start = await source.read(0, Math.min(24, source.size));
  if (start[8] === 0x7b) return openSafetensors(source); // the header's brace
  const zip = start[0] === 0x50 && start[1] === 0x4b;
  const pickle = start[0] === 0x80 && start[1]! <= 5;
  if (zip || pickle) return openTorch(source);
  const text = new TextDecoder('latin1').decode(start);
  return refuse(
    'format',
    'openCheckpoint',
    'a safetensors file or a .pth of torch.save',
    `${source.name}, which begins with ${quote(text)}`,
    text.startsWith('version https://git-lfs')
      ? 'This is a pointer of Git LFS: fetch the file itself with `git lfs pull`.'
      : 'It is another format, or damaged.',
  );
}
