/** Sizes of what predictions read that differ from run to run. */
export const FREE_SIZES: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  patches: { 0: 'batch' },
  leftPatches: { 0: 'batch' },
  rightPatches: { 0: 'batch' },
  textIds: { 0: 'batch', 1: 'text' },
  paddingMask: { 0: 'batch', 1: 'text' },
  wordPositions: { 0: 'words' },
};
