import { configFrom } from '../../src/config.ts';
import type { Evaluation, ExperimentResults } from '../../src/results.ts';
import { methodOf, type MethodName } from '../../src/selection/methods.ts';
import type { ShownContrast, ShownEvidence } from '../../src/report/sweep-evidence.ts';
import {
  conditionsOf,
  differencesOf,
  type WholeCell,
  type ReadPass,
  type ReadSweep,
} from '../../src/sweep/readings.ts';

/** xorshift32 with a few numbers thrown away: the same sweep on every host. */
function randomOf(seed: number): () => number {
  let state = (seed * 2654435761 + 12345) >>> 0 || 1;
  const next = (): number => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
  for (let i = 0; i < 8; i++) next();
  return next;
}

const normal = (random: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

export interface MadeSweepOptions {
  readonly factors?: Readonly<Record<string, readonly unknown[]>>;
  readonly methods?: readonly MethodName[];
  readonly seeds?: readonly number[];
  readonly readouts?: readonly number[];
  /** SD between seeds of a method's accuracy. */
  readonly noise?: number;
  /** Cells that are left out, as if the sweep were not finished. */
  readonly missing?: (factors: Readonly<Record<string, unknown>>, seed: number) => boolean;
  readonly pool?: number;
}

/** The accuracy gained by FULL after u updates. */
export const fullGain = (u: number): number => 0.6 * (1 - Math.exp(-u / 40));

/** What every method but FULL is ahead at 0 updates, falling by `slope` an update. */
const leads: Partial<Record<string, readonly [lead: number, slope: number]>> = {
  lim: [0.12, 0.004],
  'lim-debiased': [0.13, 0.004],
  'lim-early-2': [0.1, 0.004],
  rand: [0.01, 0.003],
  clean: [0.05, 0.003],
  strat: [0.05, 0.0025],
  oracle: [0.15, 0.003],
  hvar: [0.14, 0.003],
  gvar: [0.1, 0.0035],
  near: [0.11, 0.004],
  anti: [-0.1, 0.004],
  linear: [0.04, 0.003],
};

/**
 * The true difference of a method from FULL. LIM's falls from .12 by .004 an update, so that U* is
 * 30; wrong keys move what removes them up, and it crosses later.
 */
export function trueLead(method: MethodName, update: number, wrongKeyShare: number): number {
  if (method === 'full') return 0;
  const [lead, slope] = leads[method] ?? [0, 0.003];
  const cleaned = method === 'rand' || method === 'anti' ? 0 : 0.4 * (wrongKeyShare - 0.1);
  return lead + cleaned - slope * update;
}

/** A sweep in memory, made without training: curves with known crossings. */
export function makeSweep(options: MadeSweepOptions = {}): ReadSweep {
  const {
    factors = { 'task.wrongKeyShare': [0, 0.1, 0.3] },
    methods = ['full', 'rand', 'lim'],
    seeds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    readouts = [5, 10, 20, 40],
    noise = 0.02,
    missing = () => false,
    pool = 256,
  } = options;
  let products: Record<string, unknown>[] = [{}];
  for (const [name, values] of Object.entries(factors)) {
    products = products.flatMap((made) => values.map((value) => ({ ...made, [name]: value })));
  }
  const cells = products.flatMap((own, i) =>
    seeds.flatMap((seed): WholeCell[] =>
      missing(own, seed) ? [] : [makeCell(own, i, seed, methods, readouts, noise, pool)],
    ),
  );
  return {
    grid: { preset: 'standard', factors, methods, seeds },
    cells,
    planned: products.length * seeds.length,
  };
}

function makeCell(
  factors: Readonly<Record<string, unknown>>,
  place: number,
  seed: number,
  methods: readonly MethodName[],
  readouts: readonly number[],
  noise: number,
  pool: number,
): WholeCell {
  const wrongKeyShare = Number(factors['task.wrongKeyShare'] ?? 0.1);
  const config = configFrom(
    'standard',
    {
      task: { poolPrompts: pool, wrongKeyShare },
      experiment: { armLength: Math.max(...readouts), readouts, tableReadout: readouts.at(-1) },
    },
    'made',
  );
  const random = randomOf(1000 * place + seed);
  const size = Number(factors['lim.count'] ?? Math.round(0.15 * pool));
  const { rollout, experiment } = config;
  const pass = makePass(
    pool,
    experiment.epochs,
    rollout.samples,
    wrongKeyShare,
    size,
    methods,
    random,
  );
  const base = 0.26;
  const common = noise * normal(random);
  const perUpdate = rollout.prompts * rollout.samples;
  const fullUpdates = (pool / rollout.prompts) * experiment.epochs;
  const shares = size / pool;
  const evaluations = (method: MethodName): Evaluation[] => {
    const reads =
      method === 'full' ? [...new Set([...readouts, fullUpdates, 2 * fullUpdates])] : readouts;
    return [...reads]
      .sort((a, b) => a - b)
      .map((update) => {
        const small =
          method === 'full' || !('lim.count' in factors)
            ? 0
            : 0.3 * Math.log10(Math.max(shares, 0.01) / 0.15) * (update / 80);
        const mean = Math.min(
          0.99,
          base +
            fullGain(update) +
            trueLead(method, update, wrongKeyShare) +
            small +
            common +
            (noise * normal(random)) / 2,
        );
        return {
          seed,
          update,
          samples: update * perUpdate,
          mean,
          tiers: { T1: Math.min(1, mean + 0.1), T2: mean, T3: mean - 0.1 },
          prompts: { T1: 300, T2: 200, T3: 200 },
        };
      });
  };
  const wrong = (chosen: readonly number[]): number =>
    chosen.filter((prompt) => pass.wrongKeys?.[prompt] === true).length;
  const summaries = Object.fromEntries(
    Object.entries(pass.selections).map(([method, chosen]) => [
      method,
      { prompts: chosen!.length, wrongKeys: wrong(chosen!) },
    ]),
  );
  const results = {
    schema: 1,
    config,
    configHash: (place * 7919 + 4096).toString(16).padStart(64, 'a'),
    overrides: [],
    injected: [],
    adapter: 'llvmpipe (LLVM 15.0.6, 256 bits)',
    host: 'node',
    seconds: 1,
    base: { mean: base, tiers: { T1: 0.4, T2: 0.25, T3: 0.13 }, shipped: true },
    lim: null,
    seeds: [
      {
        seed,
        lim: null,
        pool: { prompts: pool, wrongKeys: (pass.wrongKeys ?? []).filter(Boolean).length },
        selections: summaries,
        scoreQuantiles: [],
      },
    ],
    methods: Object.fromEntries(
      methods.map((method) => [
        method,
        { prompts: method === 'full' ? pool : size, evaluations: evaluations(method) },
      ]),
    ),
  } satisfies ExperimentResults;
  return {
    hash: (place * 65537 + seed * 257).toString(16).padStart(16, 'c'),
    factors,
    seed,
    results,
    pass: () => Promise.resolve(pass),
  };
}

/** Rising curves with binomial noise; a wrong key is hardly ever matched. */
function makePass(
  prompts: number,
  epochs: number,
  samples: number,
  wrongKeyShare: number,
  size: number,
  methods: readonly MethodName[],
  random: () => number,
): ReadPass {
  const accuracy = new Float32Array(prompts * epochs);
  const wrongKeys: boolean[] = [];
  for (let i = 0; i < prompts; i++) {
    const wrong = random() < wrongKeyShare;
    wrongKeys.push(wrong);
    const start = 7 * (random() - 0.55);
    for (let k = 0; k < epochs; k++) {
      const chance = wrong ? 0.04 : 1 / (1 + Math.exp(-start - 0.8 * k));
      let right = 0;
      for (let n = 0; n < samples; n++) if (random() < chance) right++;
      accuracy[i * epochs + k] = right / samples;
    }
  }
  const meanCurve = Array.from({ length: epochs }, (_, k) => {
    let sum = 0;
    for (let i = 0; i < prompts; i++) sum += accuracy[i * epochs + k];
    return sum / prompts;
  });
  const scale = meanCurve.reduce((sum, m) => sum + (1 - m) ** 2, 0);
  const scores = Float64Array.from({ length: prompts }, (_, i) => {
    const distance = meanCurve.reduce((sum, m, k) => sum + (accuracy[i * epochs + k] - m) ** 2, 0);
    return 1 - distance / scale;
  });
  const ranked = Array.from({ length: prompts }, (_, i) => i).sort((a, b) => scores[b] - scores[a]);
  const ascending = (list: number[]): number[] => list.sort((a, b) => a - b);
  const selections: Partial<Record<MethodName, number[]>> = {};
  for (const method of methods) {
    if (method === 'full') continue;
    const taken =
      method === 'lim'
        ? ranked.slice(0, size)
        : methodOf(method).samples({ prompts: 1, epochs: 1, samples: 1 }) > 0
          ? ranked.slice(Math.floor(size / 3), Math.floor(size / 3) + size)
          : [...ranked].sort((a, b) => ((a * 7919) % 1009) - ((b * 7919) % 1009)).slice(0, size);
    selections[method] = ascending(taken);
  }
  return { prompts, epochs, accuracy, scores, wrongKeys, selections };
}

/** Evidence as it is drawn from a made sweep, with given p: LIM against others at the last read-out. */
export function makeEvidence(
  sweep: ReadSweep,
  where: Readonly<Record<string, unknown>>,
): ShownEvidence {
  const condition = conditionsOf(sweep).find(
    ({ factors }) => JSON.stringify(factors) === JSON.stringify(where),
  )!;
  const unjudged = (name: string, other: MethodName, p = 0.25): ShownContrast => {
    const { readout, mean, interval, bySeed } = differencesOf(condition, 'lim', other).at(-1)!;
    return {
      name,
      one: 'lim',
      other,
      at: { update: readout },
      where,
      pairs: bySeed.map(({ seed, value }) => ({ seed, difference: value })),
      missing: [],
      tested: {
        mean,
        interval: interval!,
        crossed: [interval![0] - 0.01, interval![1] + 0.01],
        p,
        leastP: 2 ** (1 - bySeed.length),
        detectable: 0.031,
        interquartileMean: mean,
        improvement: 0.25,
      },
    };
  };
  const contrast = (
    name: string,
    other: MethodName,
    adjusted: number,
    verdict: NonNullable<ShownContrast['verdict']>,
  ): ShownContrast => ({ ...unjudged(name, other, adjusted / 2), adjusted, verdict });
  return {
    preregistration: {
      title: 'LIM against noise removal and the pool',
      sha256: 'ab12'.repeat(16),
      alpha: 0.05,
      equivalence: 0.02,
      seeds: sweep.grid.seeds,
    },
    registered: [
      contrast('P1', 'rand', 0.0039, 'ahead'),
      contrast('P2', 'full', 0.0039, 'behind'),
      {
        name: 'P3',
        one: 'lim',
        other: 'hvar',
        at: { equal: 'totalSamples' },
        where,
        pairs: [],
        missing: sweep.grid.seeds,
        refused: 'no finished cell has these settings',
        verdict: 'incomplete',
      },
    ],
    secondary: [{ ...unjudged('Area P1', 'rand'), at: { areaTo: 40 } }],
    exploratory: [unjudged('LIM − RAND', 'rand')],
  };
}

/** Nothing was fixed and nothing compared. */
export const noEvidence: ShownEvidence = { registered: [], secondary: [], exploratory: [] };
