// The numbers of a small run, in so few characters that they ride in a link. Who opens the link sees the
// run as a film, without a word that a model answered.
import * as v from 'valibot';
import {
  configFrom,
  FormatError,
  inTableOrder,
  iterationsOf,
  methodEntries,
  methodNames,
  tierSizesOf,
  updatesPerEpoch,
  startsFromFolder,
  timed,
  type ByMethod,
  type ExperimentConfig,
  type ExperimentEvent,
  type ExperimentResults,
  type MethodName,
  type RunView,
} from '../../src/index.ts';
import { wishOf } from '../link.ts';
import type { Footage } from '../state/film.ts';

/** Most characters of the numbers in a link: with the rest they stay under what an address holds. */
export const MOST_CHARACTERS = 7000;
/** Most bytes that the numbers unpack to, and how many times as many as were packed. */
const most = { bytes: 2 ** 18, times: 200 } as const;
/** Most prompts, and characters of one. */
const mostPool = { prompts: 2000, characters: 200 } as const;

/** Scalars of an update that a link carries. */
const keys = ['reward_mean', 'kl_mean', 'response_length_mean'] as const;
const origins = { e: 'easy', l: 'learnable', h: 'hard' } as const;
type Origin = (typeof origins)[keyof typeof origins];
const originOf = new Map<string, Origin>(Object.entries(origins));

const near = (value: number, digits = 5): number => Number(value.toPrecision(digits));
const orNull = (value: number): number | null => (Number.isFinite(value) ? near(value) : null);

const whole = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff_ffff));
const finite = v.pipe(v.number(), v.finite());
const place = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(mostPool.prompts));
const method = v.picklist(methodNames);
const tiers = v.record(v.pipe(v.string(), v.maxLength(40)), v.nullable(finite));
const numbers = v.array(v.nullable(finite));
const read = v.tuple([
  whole,
  v.nullable(finite),
  whole,
  v.nullable(finite),
  tiers,
  v.nullable(tiers),
]);

const written = v.object({
  schema: v.literal(1),
  preset: v.pipe(v.string(), v.maxLength(40)),
  overrides: v.pipe(v.string(), v.maxLength(4000)),
  seed: whole,
  adapter: v.pipe(v.string(), v.maxLength(200)),
  seconds: v.pipe(finite, v.minValue(0)),
  pool: v.pipe(
    v.array(v.pipe(v.string(), v.maxLength(mostPool.characters))),
    v.maxLength(mostPool.prompts),
  ),
  origins: v.pipe(v.string(), v.regex(/^[elh-]*$/)),
  wrong: v.array(place),
  columns: v.pipe(v.array(numbers), v.maxLength(200)),
  scores: numbers,
  lim: v.nullable(v.tuple([finite, whole, v.nullable(whole), v.nullable(finite), finite, finite])),
  selections: v.record(method, v.array(place)),
  base: v.tuple([v.nullable(finite), tiers, v.nullable(tiers)]),
  evaluations: v.record(method, v.pipe(v.array(read), v.maxLength(500))),
  updates: v.record(method, v.pipe(v.array(numbers), v.maxLength(5000))),
});
type Written = v.InferOutput<typeof written>;

type Shares = Readonly<Record<string, number | null>>;
const sharesOf = (of: Readonly<Record<string, number>>): Shares =>
  Object.fromEntries(Object.entries(of).map(([name, value]) => [name, orNull(value)]));
const readShares = (of: Shares): Record<string, number> =>
  Object.fromEntries(Object.entries(of).map(([name, value]) => [name, value ?? NaN]));

/** Why the numbers of a run cannot ride in a link; undefined if they can. */
export function unshareable({
  config,
  seeds,
  results,
}: RunView): 'running' | 'own' | 'seeds' | undefined {
  if (!results) return 'running';
  // Prompts and models of somebody's own are nobody else's.
  if (startsFromFolder(config)) return 'own';
  return seeds.length > 1 ? 'seeds' : undefined;
}

/**
 * The numbers of a finished run of one seed.
 *
 * @throws RangeError if they are too many for a link.
 */
export async function packRun(run: RunView): Promise<string> {
  const { config, seeds, results, pool, columns, scores, lim, selections } = run;
  if (!results || unshareable(run)) throw new RangeError('this run does not ride in a link');
  const { preset, overrides } = wishOf(config, seeds);
  const base = run.evaluations.base?.at(-1) ?? results.base;
  const content: Written = {
    schema: 1,
    preset,
    overrides,
    seed: run.seed,
    adapter: results.adapter.slice(0, 200),
    seconds: near(results.seconds),
    pool: pool.map(({ text }) => text),
    origins: pool.some(({ origin }) => origin)
      ? pool.map(({ origin }) => origin?.charAt(0) ?? '-').join('')
      : '',
    wrong: pool.flatMap(({ wrongKey }, i) => (wrongKey ? [i] : [])),
    columns: columns.map((column) => Array.from(column, orNull)),
    scores: scores ? Array.from(scores, (score) => orNull(near(score, 4))) : [],
    lim: lim
      ? [
          lim.theta,
          lim.kept,
          lim.count ?? null,
          lim.lowestKept ?? null,
          lim.neverSolved,
          lim.alwaysSolved,
        ]
      : null,
    selections: Object.fromEntries(
      methodEntries(selections).map(([name, chosen]) => [name, [...chosen].sort((a, b) => a - b)]),
    ),
    base: [
      orNull(base.mean),
      sharesOf(base.tiers),
      base.sampled ? sharesOf(base.sampled.tiers) : null,
    ],
    evaluations: Object.fromEntries(
      methodEntries(results.methods).map(([name, { evaluations }]) => [
        name,
        evaluations.map(({ update, epochs, samples, mean, tiers: byTier, sampled }) => [
          update,
          epochs === undefined ? null : near(epochs),
          samples,
          orNull(mean),
          sharesOf(byTier),
          sampled ? sharesOf(sampled.tiers) : null,
        ]),
      ]),
    ),
    updates: Object.fromEntries(
      methodEntries(run.updates).map(([name, records]) => [
        name,
        records.map(({ metrics }) => keys.map((key) => orNull(near(metrics[key] ?? NaN, 4)))),
      ]),
    ),
  };
  const bytes = new TextEncoder().encode(JSON.stringify(content));
  const packed = await all(through(bytes, new CompressionStream('deflate-raw')), Infinity);
  const text = btoa(String.fromCharCode(...packed))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
  if (text.length > MOST_CHARACTERS) {
    throw new RangeError(`${text.length} characters: a link takes at most ${MOST_CHARACTERS}`);
  }
  return text;
}

/**
 * A run whose numbers came with a link.
 *
 * @throws FormatError, or ConfigError for its settings, saying what is wrong.
 */
export async function unpackRun(text: string): Promise<Footage> {
  const where = 'the numbers in the link';
  if (text.length > MOST_CHARACTERS || !/^[\w-]+$/.test(text)) {
    throw new FormatError(`${where}: at most ${MOST_CHARACTERS} characters of base64url`);
  }
  let json: unknown;
  try {
    const packed = Uint8Array.from(
      atob(text.replaceAll('-', '+').replaceAll('_', '/')),
      (character) => character.charCodeAt(0),
    );
    const limit = Math.min(most.bytes, most.times * packed.length);
    const bytes = await all(through(packed, new DecompressionStream('deflate-raw')), limit);
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    const why = error instanceof RangeError ? error.message : 'they cannot be unpacked';
    throw new FormatError(`${where}: ${why}`);
  }
  const parsed = v.safeParse(written, json, { abortEarly: true });
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new FormatError(`${where}: ${v.getDotPath(issue) ?? ''}: ${issue.message}`);
  }
  return footageOf(parsed.output, where);
}

function footageOf(content: Written, where: string): Footage {
  const { pool, columns, scores, seed } = content;
  const selections: ByMethod<number[]> = content.selections;
  const evaluations: ByMethod<v.InferOutput<typeof read>[]> = content.evaluations;
  const trained: ByMethod<(number | null)[][]> = content.updates;
  const config = configFrom(
    content.preset,
    content.overrides === '' ? {} : (JSON.parse(content.overrides) as object),
    where,
  );
  if (startsFromFolder(config)) throw new FormatError(`${where}: of a model that is not here`);
  const lists = [...columns, ...(scores.length > 0 ? [scores] : [])];
  const chosen = methodEntries(selections);
  if (
    lists.some(({ length }) => length !== pool.length) ||
    (content.origins !== '' && content.origins.length !== pool.length) ||
    [content.wrong, ...chosen.map(([, places]) => places)].some((places) =>
      places.some((at) => at >= pool.length),
    )
  ) {
    throw new FormatError(
      `${where}: columns, scores and selections are not of its ${pool.length} prompts`,
    );
  }
  const wrong = new Set(content.wrong);
  const prompts = pool.map((text, i) => {
    const origin = originOf.get(content.origins.charAt(i));
    return { text, ...(origin ? { origin, wrongKey: wrong.has(i) } : {}) };
  });
  const meanCurve = columns.map((column) => {
    const seen = column.filter((value) => value !== null);
    return seen.reduce((sum, value) => sum + value, 0) / seen.length;
  });
  const lim = content.lim ? limOf(content.lim, meanCurve, config) : null;
  const summaryOf = (places: readonly number[]) => ({
    prompts: places.length,
    ...(content.origins === ''
      ? {}
      : {
          byOrigin: Object.fromEntries(
            Object.values(origins).map((origin) => [
              origin,
              places.filter((at) => prompts[at]?.origin === origin).length,
            ]),
          ) as Record<Origin, number>,
          wrongKeys: places.filter((at) => wrong.has(at)).length,
        }),
  });
  const summary = {
    seed,
    lim,
    pool: summaryOf(pool.map((_, i) => i)),
    selections: Object.fromEntries(chosen.map(([name, places]) => [name, summaryOf(places)])),
    scoreQuantiles: [],
  };
  const names = inTableOrder(methodEntries(evaluations).map(([name]) => name));
  const evaluationsOf = (name: MethodName) =>
    (evaluations[name] ?? []).map(([update, epochs, samples, mean, byTier, sampled]) => ({
      seed,
      update,
      samples,
      mean: mean ?? NaN,
      tiers: readShares(byTier),
      ...(epochs === null ? {} : { epochs }),
      ...(sampled ? { sampled: sampledOf(readShares(sampled)) } : {}),
    }));
  const [baseMean, baseTiers, baseSampled] = content.base;
  const base = {
    mean: baseMean ?? NaN,
    tiers: readShares(baseTiers),
    shipped: false,
    ...(baseSampled ? { sampled: sampledOf(readShares(baseSampled)) } : {}),
  };
  for (const name of tierSizesOf(config.task).keys()) {
    if (!(name in base.tiers)) throw new FormatError(`${where}: base: no tier ${name}`);
  }
  const results: ExperimentResults = {
    schema: 1,
    config,
    configHash: '',
    overrides: [],
    injected: [],
    adapter: content.adapter,
    host: '',
    seconds: content.seconds,
    base,
    lim,
    seeds: [summary],
    methods: Object.fromEntries(
      names.map((name) => [
        name,
        {
          prompts: name === 'full' ? pool.length : (selections[name]?.length ?? pool.length),
          evaluations: evaluationsOf(name),
        },
      ]),
    ),
  };
  const training = (name: MethodName): ExperimentEvent[] => {
    const perEpoch = updatesPerEpoch(config, pool.length);
    const updates = trained[name] ?? [];
    const read = evaluationsOf(name);
    return [
      { type: 'phase', seed, phase: name, text: name },
      ...updates.flatMap((values, i): ExperimentEvent[] => {
        const update = i + 1;
        const metrics = Object.fromEntries(keys.map((key, k) => [key, values[k] ?? NaN]));
        const epoch = update / perEpoch - 1;
        const column = name === 'full' && Number.isInteger(epoch) ? columns[epoch] : undefined;
        return [
          { type: 'update', seed, method: name, update, epoch: Math.floor(i / perEpoch), metrics },
          ...(column ? [columnOf(column, epoch, seed)] : []),
          ...read
            .filter((one) => one.update === update)
            .map((one): ExperimentEvent => ({ type: 'evaluation', method: name, ...one })),
        ];
      }),
    ];
  };
  const total = methodEntries(trained).reduce((sum, [, list]) => sum + list.length, 0);
  const events: ExperimentEvent[] = [
    {
      type: 'started',
      adapter: content.adapter,
      host: '',
      config,
      seeds: [seed],
      totalUpdates: total || iterationsOf(config, 'full', pool.length),
    },
    { type: 'phase', seed, phase: 'base', text: 'base' },
    { type: 'evaluation', method: 'base', seed, update: 0, samples: 0, ...base },
    { type: 'pool', seed, prompts },
    ...training('full'),
    ...(lim && scores.length > 0
      ? ([
          { type: 'phase', seed, phase: 'score', text: 'score' },
          {
            type: 'scores',
            seed,
            lim,
            summary,
            files: {},
            scores: Float64Array.from(scores, (score) => score ?? NaN),
            selections,
          },
        ] as const)
      : []),
    ...names.filter((name) => name !== 'full').flatMap(training),
    { type: 'state', state: 'done', message: '' },
    { type: 'done', results },
  ];
  return {
    config,
    seeds: [seed],
    keeping: { stored: false, past: 'reopened' },
    events: timed(events),
  };
}

function sampledOf(byTier: Readonly<Record<string, number>>) {
  const values = Object.values(byTier);
  return { mean: values.reduce((sum, value) => sum + value, 0) / values.length, tiers: byTier };
}

function columnOf(
  column: readonly (number | null)[],
  epoch: number,
  seed: number,
): ExperimentEvent {
  const values = Float32Array.from(column, (value) => value ?? NaN);
  return { type: 'column', seed, epoch, accuracy: values, reward: values };
}

function limOf(
  [theta, kept, count, lowestKept, neverSolved, alwaysSolved]: NonNullable<Written['lim']>,
  meanCurve: readonly number[],
  { lim }: ExperimentConfig,
): NonNullable<ExperimentResults['lim']> {
  return {
    signal: lim.signal,
    compat: lim.compat,
    theta,
    kept,
    meanCurve,
    neverSolved,
    alwaysSolved,
    warning: '',
    ...(count === null ? {} : { count }),
    ...(lowestKept === null ? {} : { lowestKept }),
  };
}

const through = (bytes: Uint8Array, by: GenericTransformStream): ReadableStream<Uint8Array> =>
  new Blob([bytes as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeThrough(by) as ReadableStream<Uint8Array>;

/** All bytes of a stream. @throws RangeError once there are more than `limit`. */
async function all(stream: ReadableStream<Uint8Array>, limit: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > limit) {
      await reader.cancel();
      throw new RangeError(`they unpack to more than ${limit} bytes`);
    }
    pieces.push(value);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
