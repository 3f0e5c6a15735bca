import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RandomStream } from '../../../src/random.ts';
import { differences, filesOf } from '../compare.ts';
import { type Experiment, experimentOf } from '../experiment.ts';
import type { Laboratory } from '../laboratory.ts';
import { type State, statesOf } from '../states.ts';
import {
  clean,
  type Injection,
  type Kind,
  lastWords,
  malformed,
  unclean,
  type Verdict,
} from '../verdict.ts';

/** Number of bits that are flipped in every kind of file. */
const PLACES = 200;

/** The kind of a file, whatever the numbers in its name. */
const kindOf = (path: string, pointer: { file?: string; previous?: string }): string => {
  if (path === pointer.file) return 'checkpoint';
  if (path === pointer.previous) return 'previous checkpoint';
  return path.replace(/-?\d+/g, '').replace(/^completions\/.*/, 'completions');
};

interface Flipped {
  readonly path: string;
  /** The state of the run. */
  readonly where: 'under-way' | 'no-report';
  readonly pointer: { readonly file?: string; readonly previous?: string };
}

/** Continues a run one of whose files is damaged. */
async function goOnDamaged(
  laboratory: Laboratory,
  experiment: Experiment,
  folder: string,
  { path, where, pointer }: Flipped,
): Promise<Verdict> {
  const reply = await laboratory.call(experiment.resume(folder));
  if (reply.code !== 0) {
    const fault = malformed(reply, [2]);
    if (fault !== undefined) return unclean('fails without a word for it', fault);
    return reply.stderr.includes('that run is done') && !existsSync(join(folder, 'report.html'))
      ? unclean('done, and not whole', lastWords(reply))
      : clean('refused in one line');
  }
  const found = differences(folder, experiment.reference);
  const told = reply.stderr.includes('damaged');
  if (found.length === 0) {
    return clean(told ? 'said to be damaged, gone on from before, equal' : 'harmless, equal');
  }
  const alone = found.every((line) =>
    line.startsWith(
      path === pointer.previous
        ? 'checkpoints/the previous'
        : path === pointer.file
          ? 'checkpoints/the file'
          : path,
    ),
  );
  // A damaged file that nothing is computed from may stay, if the command says so.
  if (told && alone) return clean('said to be damaged, all else equal');
  // A finished run lacks only its report, which is not made from these files.
  if (
    alone &&
    where === 'no-report' &&
    /^(?:checkpoints\/.*\.safetensors|completions\/)/.test(path)
  ) {
    return clean('not read, all else equal');
  }
  return unclean(told ? 'told, and different' : 'silently different', found.slice(0, 3).join(', '));
}

async function flipsOf(
  laboratory: Laboratory,
  experiment: Experiment,
  state: State,
  where: Flipped['where'],
  seed: number,
): Promise<Injection[]> {
  const whole = laboratory.path('whole');
  state.write(whole);
  let pointer: { file?: string; previous?: string } = {};
  try {
    pointer = JSON.parse(readFileSync(join(whole, 'checkpoints/latest.json'), 'utf8')) as object;
  } catch {
    // The run has no checkpoint.
  }
  const byKind = new Map<string, string[]>();
  for (const path of filesOf(whole)) {
    const kind = kindOf(path, pointer);
    byKind.set(kind, [...(byKind.get(kind) ?? []), path]);
  }
  return [...byKind].flatMap(([kind, paths]) => {
    const stream = new RandomStream(seed, 'sampling', kind.length, where.length);
    const places = new Set<string>();
    const bits = paths.reduce((sum, path) => sum + 8 * readFileSync(join(whole, path)).length, 0);
    for (let tries = 0; places.size < Math.min(PLACES, bits) && tries < 20 * PLACES; tries++) {
      const path = paths[stream.below(paths.length)];
      const { length } = readFileSync(join(whole, path));
      if (length > 0) places.add(`${path}:${stream.below(length)}.${stream.below(8)}`);
    }
    return [...places].map((place): Injection => {
      const [, path = '', byte = '', bit = ''] = /^(.*):(\d+)\.(\d)$/.exec(place) ?? [];
      return {
        id: `flip/${where}/${kind}/${place}`,
        inject: async () => {
          const folder = laboratory.path('flipped');
          state.write(folder);
          const bytes = readFileSync(join(folder, path));
          bytes[Number(byte)] ^= 1 << Number(bit);
          writeFileSync(join(folder, path), bytes);
          const verdict = await goOnDamaged(laboratory, experiment, folder, {
            path,
            where,
            pointer,
          });
          laboratory.discard(folder);
          return { ...verdict, how: `${kind}: ${verdict.how}` };
        },
      };
    });
  });
}

/** A flipped bit of a file, in an unfinished run and in a run without its report. */
export const flip: Kind = {
  name: 'flip',
  summary: `a flipped bit at ${PLACES} places of every kind of file`,
  plan: async (laboratory, { seed }) => {
    const experiment = await experimentOf(laboratory, 'smallest');
    const states = await statesOf(laboratory, 'smallest');
    const has = (state: State, path: RegExp) =>
      [...state.files.keys()].some((name) => path.test(name));
    const last = (wanted: (state: State) => boolean): State => {
      const found = states.findLast(wanted);
      if (!found) throw new Error('the run was never in that state');
      return found;
    };
    const half = (state: State) => has(state, /\.part(?:ial)?$/);
    const underWay = last(
      (state) =>
        has(state, /checkpoints\/latest/) && !has(state, /results|lim-4\./) && !half(state),
    );
    const noReport = last(
      (state) => has(state, /results\.json$/) && !has(state, /report/) && !half(state),
    );
    return [
      ...(await flipsOf(laboratory, experiment, underWay, 'under-way', seed)),
      ...(await flipsOf(laboratory, experiment, noReport, 'no-report', seed)),
    ];
  },
};
