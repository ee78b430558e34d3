/** Contractions that the evaluation of VQA repairs where one apostrophe is missing. */
const CONTRACTIONS = `ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't
  hadn't've hasn't haven't he'd he'd've he's how'd how'll how's isn't it'd it'd've it'll ma'am mightn't
  mightn't've might've mustn't must've needn't not've o'clock oughtn't 'ow's'at shan't she'd've should've
  shouldn't shouldn't've somebody'd've somebody'll somebody's someone'd someone'd've someone'll someone's
  something'd something'd've something'll that's there'd there'd've there're there's they'd they'd've
  they'll they're they've 'twas wasn't we'd've we've weren't what'll what're what's what've when's where'd
  where's where've who'd who'd've who'll who's who've why'll why're why's won't would've wouldn't
  wouldn't've y'all y'all'll y'all'd've you'd you'd've you'll you're you've`;

/** Misspelling → contraction, for lower-case words (vqaEval.py, glossary.py of the reference). */
export const REPAIRED: ReadonlyMap<string, string> = new Map([
  ...CONTRACTIONS.split(/\s+/).flatMap((right) =>
    [...right.matchAll(/'/g)].map(
      ({ index }) => [right.slice(0, index) + right.slice(index + 1), right] as const,
    ),
  ),
  // The official table has this one the wrong way round.
  ["somebody'd", 'somebodyd'] as const,
]);
