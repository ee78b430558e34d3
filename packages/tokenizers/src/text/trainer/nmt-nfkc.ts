import { unzlibSync } from 'fflate';
import { NMT_NFKC } from './nmt-nfkc.data.js';

/** The compiled rules `nmt_nfkc` as a SentencePiece model stores them, byte for byte. */
export function nmtNfkc(): Uint8Array {
  const packed = Uint8Array.from(atob(NMT_NFKC), (character) => character.charCodeAt(0));
  const planes = unzlibSync(packed);
  const map = planes.slice();
  const trieBytes = new DataView(planes.buffer, planes.byteOffset).getUint32(0, true);
  const units = trieBytes / 4;
  for (let i = 0; i < trieBytes; i++) map[4 + i] = planes[4 + (i % 4) * units + (i >> 2)]!;
  return map;
}
