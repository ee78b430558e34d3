import { parentPort } from 'node:worker_threads';
import { ImglishError } from '@imglish/core';
import { resize } from '@imglish/tokenizers';
import { decodeAnyImage } from '@imglish/tokenizers/node';
import type { DecodeReply, DecodeRequest } from './image-decoder.js';

const port = parentPort!;
port.on('message', async ({ bytes, size }: DecodeRequest) => {
  let reply: DecodeReply;
  try {
    const decoded = await decodeAnyImage(bytes);
    reply = { image: size ? resize(decoded, size[1], size[0]) : decoded };
  } catch (error) {
    if (!ImglishError.isInstance(error)) throw error;
    const { code, where, expected, got, fix } = error;
    reply = { failure: { code, where, expected, got, ...(fix !== undefined && { fix }) } };
  }
  port.postMessage(reply, 'image' in reply ? [reply.image.data.buffer as ArrayBuffer] : []);
});
