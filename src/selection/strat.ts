import { RandomStream } from '../random.ts';
import { drawn, placesWhere } from './draw.ts';
import { known, type PromptKey, type Selection, type StaticMethod } from './method.ts';

const CODE = 9;

/** A prompt's stratum, if it is in one, and whether its key is wrong. */
const kindOf = ({ origin = '', wrongKey }: PromptKey): string =>
  `${origin} ${wrongKey ? 'wrong' : 'right'}`;

/**
 * STRAT: of each stratum and kind of key as many prompts as LIM keeps, drawn at random; every
 * subset with these numbers is equally likely.
 */
function selectMatched(
  keys: readonly PromptKey[],
  limKept: readonly number[],
  seed: number,
): Selection {
  const kinds = keys.map(kindOf);
  const indices = [...new Set(kinds)].sort().flatMap((kind, i) => {
    const among = placesWhere(kinds, (one) => one === kind);
    const count = limKept.filter((prompt) => kinds[prompt] === kind).length;
    return drawn(among, count, new RandomStream(seed, 'randomSelection', CODE, i));
  });
  const kept = new Set(indices);
  return {
    method: 'strat',
    indices: indices.sort((a, b) => a - b),
    rule: `${indices.length} of ${keys.length} prompts drawn with seed ${seed}, as many of each kind as LIM keeps`,
    reason: (prompt) => (kept.has(prompt) ? 'drawn' : 'not drawn'),
  };
}

export const strat = {
  name: 'strat',
  code: CODE,
  label: 'STRAT',
  takes: () => 'prompts drawn at random, of each stratum and kind of key as many as LIM keeps',
  needs: ['keys', 'limKept'],
  usualSize: 'as LIM',
  samples: () => 0,
  choose: ({ keys, limKept, seed }) =>
    selectMatched(known(keys, 'strat', 'keys'), known(limKept, 'strat', 'limKept'), seed),
} as const satisfies StaticMethod;
