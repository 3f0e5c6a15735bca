import { describe, expect, test } from 'vitest';
import { createHash } from 'node:crypto';
import { ConfigError } from '../../src/config-error.ts';
import { RandomStream } from '../../src/random.ts';
import {
  arithmeticAnswer,
  type ArithmeticConfig,
  arithmeticVariants,
  arithmeticVerifier,
  withoutPadding,
} from '../../src/tasks/arithmetic-config.ts';
import { ArithmeticTask, describeInjected } from '../../src/tasks/arithmetic-task.ts';
import { corpusOf, checkTask, outsideTierSizesOf, tierSizesOf } from '../../src/tasks/registry.ts';

const variants = Object.entries(arithmeticVariants);
const small = { ...arithmeticVariants.E, poolPrompts: 200 };

/** A second evaluator, by string rewriting from the left. */
function answerOf(prompt: string, modulus: number): number {
  let text = prompt.slice(0, -1).replace(/_+$/, '');
  for (let found; (found = /^(\d)([-+*])(\d)/.exec(text));) {
    const [all, left, operator, operand] = found;
    const [a, b] = [Number(left), Number(operand)];
    const value = { '+': a + b, '-': a - b, '*': a * b }[operator as '+' | '-' | '*'];
    text = `${((value % modulus) + modulus) % modulus}${text.slice(all.length)}`;
  }
  return Number(text);
}

const operatorsOf = (prompt: string): number => prompt.match(/[-+*]/g)!.length;

describe('a typed prompt', () => {
  const task = new ArithmeticTask(small);

  test.each(['7-3*4+8=', '7-3*4+8', ' 7 - 3*4 +\t8 = ', '7-3*4+8______=', '7_-3*4+8'])(
    'is padded, and comes with its answer: %j',
    (text) => {
      expect(task.typed(text)).toEqual({ text: '7-3*4+8______=', key: '4' });
    },
  );

  test.each([
    '',
    '=',
    '7',
    '7-',
    '-7',
    '7--3',
    '7/3',
    '77-3',
    '7-3=4',
    '１+１',
    '1+1'.repeat(9),
    '7-3\u202e',
  ])('is refused where it is none: %j', (text) => {
    expect(() => task.typed(text)).toThrow('is not 2 to 7 digits with + - * between');
  });

  test('has digits below the modulus', () => {
    const small5 = new ArithmeticTask({ ...arithmeticVariants.F, poolPrompts: 20 });
    expect(() => small5.typed('1+5')).toThrow('the digit 5 is not below 5');
  });
});

describe('arithmetic', () => {
  test('solves the example of its own documentation', () => {
    // 7-3 = 4, 4*4 = 16 -> 6, 6+8 = 14 -> 4.
    expect(new ArithmeticTask(small).solve('7-3*4+8=')).toBe('4,6,4#4;');
    // 1-2 = -1 -> 9 modulo 10, 4 modulo 5.
    expect(new ArithmeticTask(small).solve('1-2=')).toBe('9#9;');
    expect(new ArithmeticTask(arithmeticVariants.F).solve('1-2=')).toBe('4#4;');
  });

  test.each(variants)('variant %s fills its strata, distinct, with the bands kept', (_, config) => {
    const task = new ArithmeticTask(config);
    const pool = task.pool(3);
    expect(pool).toHaveLength(config.poolPrompts);
    expect(new Set(pool.map(({ text }) => text)).size).toBe(config.poolPrompts);
    for (const origin of ['easy', 'learnable', 'hard'] as const) {
      const { share, above, below, minOperators, maxOperators } = config.strata[origin];
      const prompts = pool.filter((prompt) => prompt.origin === origin);
      expect(Math.abs(prompts.length - share * config.poolPrompts)).toBeLessThanOrEqual(1);
      for (const { text, baseProbability } of prompts) {
        expect(baseProbability).toBe(task.probability(text));
        expect(baseProbability).toBeGreaterThan(above);
        expect(baseProbability).toBeLessThan(below);
        const operators = operatorsOf(text);
        expect(operators).toBeGreaterThanOrEqual(minOperators);
        expect(operators).toBeLessThanOrEqual(maxOperators);
      }
    }
  });

  test.each(variants)('variant %s injects exactly its share of wrong keys', (_, config) => {
    const pool = new ArithmeticTask(config).pool(3);
    const wrong = pool.filter(({ text, key }) => Number(key) !== answerOf(text, config.modulus));
    expect(wrong).toHaveLength(Math.round(config.wrongKeyShare * config.poolPrompts));
    expect(wrong.every(({ wrongKey }) => wrongKey)).toBe(true);
    expect(wrong.every(({ key }) => Number(key) >= 0 && Number(key) < config.modulus)).toBe(true);
    // They fall on every origin.
    expect(new Set(wrong.map(({ origin }) => origin)).size).toBe(3);
  });

  test('keeps the tiers out of every pool and of the corpus, and apart from each other', () => {
    const task = new ArithmeticTask(arithmeticVariants.E);
    const tiers = task.tiers().map(({ prompts }) => prompts.map(({ text }) => text));
    const heldOut = new Set(tiers.flat());
    expect(tiers.map((prompts) => prompts.length)).toEqual([300, 200, 200]);
    expect(heldOut.size).toBe(700);
    for (const seed of [0, 1, 2]) {
      expect(task.pool(seed).some(({ text }) => heldOut.has(text))).toBe(false);
    }
    const corpus = task.corpus(0, 0, 2000);
    const prompts = corpus.map(({ tokens, promptLength }) =>
      task.tokenizer.decode(tokens.subarray(0, promptLength)),
    );
    expect(prompts.some((text) => heldOut.has(text))).toBe(false);
  });

  test('gives every tier the right keys and its band', () => {
    const { tiers: bands } = arithmeticVariants.E;
    new ArithmeticTask(arithmeticVariants.E).tiers().forEach(({ prompts }, i) => {
      for (const { text, key, baseProbability } of prompts) {
        expect(Number(key)).toBe(answerOf(text, 10));
        expect(baseProbability).toBeLessThan(bands[i].below);
        expect(operatorsOf(text)).toBeGreaterThanOrEqual(bands[i].minOperators);
        expect(operatorsOf(text)).toBeLessThanOrEqual(bands[i].maxOperators);
      }
    });
  });

  test('pads every prompt to one width, which changes neither its answer nor its chance', () => {
    const task = new ArithmeticTask(small);
    expect(task.pool(1).every(({ text }) => /^[-+*0-9]+_*=$/.test(text))).toBe(true);
    expect(new Set(task.pool(1).map(({ text }) => text.length))).toEqual(new Set([14]));
    expect(task.solve('7-3*4+8______=')).toBe(task.solve('7-3*4+8='));
    expect(task.probability('7-3*4+8______=')).toBe(task.probability('7-3*4+8='));
    expect(() => task.solve('7-3_*4=')).toThrow("'7-3_*4=' is not a prompt");
  });

  test('gives the same data for the same seed and other data for another', () => {
    const [a, b] = [new ArithmeticTask(small), new ArithmeticTask(small)];
    expect(a.pool(5)).toEqual(b.pool(5));
    expect(a.pool(5)).not.toEqual(b.pool(6));
    expect(a.tiers()).toEqual(b.tiers());
    expect(a.corpus(5, 9, 4)).toEqual(b.corpus(5, 9, 4));
    expect(a.corpus(5, 9, 4)).not.toEqual(a.corpus(5, 10, 4));
  });

  test('makes a corpus update without the ones before, and a longer one begins the same', () => {
    const task = new ArithmeticTask(small);
    task.corpus(5, 0, 16);
    expect(task.corpus(5, 7, 8)).toEqual(new ArithmeticTask(small).corpus(5, 7, 16).slice(0, 8));
  });

  test('lays the order of the pool out without regard to origin', () => {
    const pool = new ArithmeticTask(arithmeticVariants.E).pool(0);
    const firstHalf = pool.slice(0, 640).filter(({ origin }) => origin === 'easy').length;
    // 256 expected of 512; hypergeometric standard deviation 8.8, five of them allowed.
    expect(Math.abs(firstHalf - 256)).toBeLessThan(44);
  });

  test('writes corpus solutions that slip as often as the probability says', () => {
    const task = new ArithmeticTask(arithmeticVariants.E);
    const random = new RandomStream(1, 'test');
    const chosen = task.pool(1).filter((_, i) => i % 64 === 0);
    const draws = 3000;
    for (const { text, baseProbability } of chosen) {
      const rightChain = task.solve(text).split('#')[0];
      let flawless = 0;
      let formatErrors = 0;
      for (let i = 0; i < draws; i++) {
        const solution = task.sampleSolution(text, random);
        flawless += solution.startsWith(`${rightChain}#`) ? 1 : 0;
        flawless += solution.startsWith(`${rightChain}?`) ? 1 : 0;
        formatErrors += solution.includes('?') ? 1 : 0;
      }
      // Five standard errors, and two counts for chances near 0.
      const spread = (p: number) => 5 * Math.sqrt((p * (1 - p)) / draws) + 2 / draws;
      expect(Math.abs(flawless / draws - baseProbability)).toBeLessThan(spread(baseProbability));
      expect(Math.abs(formatErrors / draws - 0.15)).toBeLessThan(spread(0.15));
    }
  });

  test('counts a slip that comes out right as a right step', () => {
    const task = new ArithmeticTask(arithmeticVariants.G);
    // 7-2 = 5 and 2-7 = -5 -> 5: the swap cannot be told.
    expect(task.probability('7-2=')).toBe(1);
    expect(task.probability('7-3=')).toBe(0.42);
    // 2*2 = 2+2.
    expect(task.probability('2*2=')).toBe(1);
    expect(task.probability('7-3*4+8=')).toBeCloseTo(0.42 * 0.22 * 0.95, 12);
  });

  test('spreads thirty skills from the easiest to the hardest', () => {
    const task = new ArithmeticTask(arithmeticVariants.E);
    const chances = ['+', '-', '*'].flatMap((operator) =>
      Array.from({ length: 10 }, (_, operand) =>
        Math.min(
          ...Array.from({ length: 10 }, (_, a) => task.probability(`${a}${operator}${operand}=`)),
        ),
      ),
    );
    chances.sort((a, b) => b - a);
    expect(new Set(chances).size).toBe(30);
    expect(chances[0]).toBeCloseTo(0.99, 12);
    expect(chances[29]).toBeCloseTo(0.08, 12);
    // Rank 20 of 29 by the formula: 0.99 - 0.91 * (20 / 29)^1.5 = 0.4688.
    expect(chances[20]).toBeCloseTo(0.4688, 4);
  });

  test('fits prompts and responses into the stated lengths', () => {
    const task = new ArithmeticTask(arithmeticVariants.E);
    expect([task.maxPromptTokens, task.maxResponseTokens, task.tokenizer.size]).toEqual([
      14, 16, 19,
    ]);
    const corpus = task.corpus(0, 0, 500);
    // Prompts are padded to one width, so that a step stands at one distance from its operator.
    expect(new Set(corpus.map(({ promptLength }) => promptLength))).toEqual(new Set([14]));
    const responses = corpus.map(({ tokens, promptLength }) => tokens.length - promptLength);
    // `d,d,d,d,d,d#d;` and `d#d;`: two spare tokens let a response run on and be cut.
    expect([Math.min(...responses), Math.max(...responses)]).toEqual([4, 14]);
    expect(corpus.every(({ tokens }) => tokens.at(-1) === task.stopIds[0])).toBe(true);
  });
});

describe('a pool in strata with random wrong keys', () => {
  const digest = (config: ArithmeticConfig): string => {
    const pool = new ArithmeticTask(config).pool(1);
    const rows = pool.map(({ text, key, wrongKey, origin }) => [text, key, wrongKey, origin]);
    return createHash('sha256').update(JSON.stringify(rows)).digest('hex').slice(0, 16);
  };

  // Digests of 0fdfa56, which knew no other pools and no other wrong keys.
  test.each([
    ['as it was', {}],
    ['named', { difficulty: { kind: 'strata' }, wrongKeys: 'random' } as const],
  ])('has the bits that it always had: %s', (_, fields) => {
    expect(digest({ ...arithmeticVariants.E, ...fields })).toBe('121e6ba48b633536');
  });
});

describe('a continuous pool', () => {
  const continuous = (alpha: number, beta: number): ArithmeticConfig => ({
    ...arithmeticVariants.E,
    difficulty: { kind: 'continuous', alpha, beta },
  });

  test('has equal shares in twentieths of the corpus probability where it is uniform', () => {
    const task = new ArithmeticTask(continuous(1, 1));
    const pool = task.pool(3);
    const bins = new Map<number, number>();
    for (const { text, baseProbability } of pool) {
      expect(baseProbability).toBe(task.probability(text));
      const bin = Math.min(19, Math.floor(20 * baseProbability));
      bins.set(bin, (bins.get(bin) ?? 0) + 1);
    }
    expect([...bins.values()]).toEqual(Array.from({ length: 20 }, () => 64));
    expect(new Set(pool.map(({ text }) => text)).size).toBe(1280);
    expect(pool.filter(({ wrongKey }) => wrongKey)).toHaveLength(128);
  });

  test('follows a Beta distribution: half of it is outside of .147 to .854 at 1/2, 1/2', () => {
    // The quartiles of the arcsine distribution are sin(pi / 8)^2 and cos(pi / 8)^2.
    const pool = new ArithmeticTask(continuous(0.5, 0.5)).pool(3);
    const below = (most: number): number =>
      pool.filter(({ baseProbability }) => baseProbability < most).length;
    expect([below(0.1464466), below(0.5), below(0.8535534)]).toEqual([320, 640, 960]);
  });

  test('calls a prompt easy or hard where eight samples say mostly one thing', () => {
    const pool = new ArithmeticTask(continuous(1, 1)).pool(3);
    for (const { baseProbability: p, origin } of pool) {
      const all = p ** 8 >= 0.5;
      const none = (1 - p) ** 8 > 0.5;
      expect([p, origin]).toEqual([p, all ? 'easy' : none ? 'hard' : 'learnable']);
    }
    expect(new Set(pool.map(({ origin }) => origin)).size).toBe(3);
  });

  test('keeps to its seed, apart from the tiers, and mixed', () => {
    const task = new ArithmeticTask(continuous(2, 5));
    expect(task.pool(5)).toEqual(new ArithmeticTask(continuous(2, 5)).pool(5));
    expect(task.pool(5)).not.toEqual(task.pool(6));
    const heldOut = new Set(task.tiers().flatMap(({ prompts }) => prompts.map(({ text }) => text)));
    expect(task.pool(5).some(({ text }) => heldOut.has(text))).toBe(false);
    const easier = (half: readonly { readonly baseProbability: number }[]): number =>
      half.filter(({ baseProbability }) => baseProbability > 0.2645).length;
    // 320 expected of 640; hypergeometric standard deviation 8.9, five of them allowed.
    expect(Math.abs(easier(task.pool(5).slice(0, 640)) - 320)).toBeLessThan(45);
  });

  test('says which probabilities hold fewer prompts than asked for', () => {
    // Three broad skills: few products, and none between 0.95 and 1.
    const { skills } = arithmeticVariants.G;
    const task = new ArithmeticTask({
      ...continuous(1, 1),
      skills: { ...skills, plus: 0.9 } as never,
    });
    expect(() => task.pool(0)).toThrow(
      /^task\.difficulty: wanted 64 distinct prompts of corpus probability 0\.\d+ to \d\.\d+, found only \d+$/,
    );
  });

  test('is told as such', () => {
    const told = describeInjected(continuous(2, 5)).join('\n');
    expect(told).toContain('follows Beta(2, 5), in 20 bins');
    expect(told).toContain('easy from a probability of 0.917');
    expect(told).not.toContain('strata');
  });
});

describe('consistent wrong keys', () => {
  const config: ArithmeticConfig = { ...arithmeticVariants.E, wrongKeys: 'consistent' };

  test('are what somebody answers who reads * as +, by hand', () => {
    // 7*3 = 21 -> 1 and 1-4 = -3 -> 7; read as 7+3 = 10 -> 0 and 0-4 = -4 -> 6.
    const task = new ArithmeticTask(config);
    expect(task.solve('7*3-4=')).toBe('1,7#7;');
    expect(task.solve('7+3-4=')).toBe('0,6#6;');
    const wrong = task.pool(3).filter(({ wrongKey }) => wrongKey);
    expect(wrong).toHaveLength(128);
    for (const { text, key, truth } of wrong) {
      expect(text).toContain('*');
      expect(Number(key)).toBe(answerOf(text.replaceAll('*', '+'), 10));
      expect(Number(truth)).toBe(answerOf(text, 10));
      expect(key).not.toBe(truth);
    }
    expect(task.pool(3)).toEqual(new ArithmeticTask(config).pool(3));
  });

  test('are the answers of the slip of the corpus: one skill gone wrong everywhere', () => {
    const skills = { by: 'operator', plus: 1, minus: 1, times: 0 } as const;
    const slips = new ArithmeticTask({ ...config, skills, formatErrorShare: 0 });
    const random = new RandomStream(1, 'test');
    for (const { text, key, wrongKey } of new ArithmeticTask(config).pool(4)) {
      if (!wrongKey) continue;
      expect(slips.sampleSolution(text, random).at(-2)).toBe(key);
    }
  });

  test('change no prompt of a pool and no other key', () => {
    const random = new ArithmeticTask({ ...config, wrongKeys: 'random' }).pool(3);
    const consistent = new ArithmeticTask(config).pool(3);
    expect(consistent.map(({ text }) => text)).toEqual(random.map(({ text }) => text));
    for (const { text, key, wrongKey } of consistent) {
      if (!wrongKey) expect(Number(key)).toBe(answerOf(text, 10));
    }
  });

  test('are refused where too few prompts have a *', () => {
    expect(() => new ArithmeticTask({ ...config, wrongKeyShare: 1 }).pool(0)).toThrow(
      /^task\.wrongKeyShare: wanted 1280 prompts whose answer changes where \* is read as \+, found only \d+ in the pool$/,
    );
  });

  test('are told as such', () => {
    expect(describeInjected(config).join('\n')).toContain('all by one mistake: `*` is read as `+`');
  });
});

describe('the tier OOD', () => {
  const without = { ...arithmeticVariants.E, maxOperators: 8, trainedOperators: 6 };
  const long: ArithmeticConfig = {
    ...without,
    outOfDistribution: { prompts: 50, minOperators: 7, maxOperators: 8 },
  };
  const heldOutSkills = ['*7', '-3'];
  const skilled: ArithmeticConfig = {
    ...arithmeticVariants.E,
    heldOutSkills,
    outOfDistribution: { prompts: 50, minOperators: 1, maxOperators: 6 },
  };
  const hasSkill = (text: string): boolean => heldOutSkills.some((skill) => text.includes(skill));
  /** Prompts of corpus, pool and tiers of the mean. */
  const trained = (task: ArithmeticTask): string[] => [
    ...task.pool(2).map(({ text }) => text),
    ...task
      .tiers()
      .flatMap(({ prompts, outOfDistribution }) =>
        outOfDistribution ? [] : prompts.map(({ text }) => text),
      ),
    ...task
      .corpus(1, 0, 500)
      .map(({ tokens, promptLength }) => task.tokenizer.decode(tokens.subarray(0, promptLength))),
  ];
  const outside = (task: ArithmeticTask) => task.tiers().filter((tier) => tier.outOfDistribution);

  test('has longer prompts than corpus, pool and tiers, all of one width', () => {
    const task = new ArithmeticTask(long);
    const [tier] = outside(task);
    expect(tier).toMatchObject({ name: 'OOD', outOfDistribution: true });
    expect(tier.description).toBe('7 to 8 operators, more than 6 operators');
    expect(new Set(tier.prompts.map(({ text }) => operatorsOf(text)))).toEqual(new Set([7, 8]));
    for (const { text, key } of tier.prompts) expect(Number(key)).toBe(answerOf(text, 10));
    const rest = trained(task);
    expect(Math.max(...rest.map(operatorsOf))).toBe(6);
    const texts = [...rest, ...tier.prompts.map(({ text }) => text)];
    expect(new Set(texts.map((text) => text.length))).toEqual(new Set([18]));
    expect([task.maxPromptTokens, task.maxResponseTokens]).toEqual([18, 20]);
  });

  test('leaves the other tiers and the pool as they are, but for their padding', () => {
    const plain = new ArithmeticTask(arithmeticVariants.E);
    const task = new ArithmeticTask(long);
    const bare = (prompts: readonly { readonly text: string }[]): string[] =>
      prompts.map(({ text }) => withoutPadding(text));
    expect(
      task
        .tiers()
        .slice(0, 3)
        .map(({ prompts }) => bare(prompts)),
    ).toEqual(plain.tiers().map(({ prompts }) => bare(prompts)));
    expect(bare(task.pool(1))).toEqual(bare(plain.pool(1)));
  });

  test('has skills that corpus, pool and tiers do not have', () => {
    const task = new ArithmeticTask(skilled);
    const [tier] = outside(task);
    expect(tier.prompts).toHaveLength(50);
    expect(tier.prompts.every(({ text }) => hasSkill(text))).toBe(true);
    expect(trained(task).some(hasSkill)).toBe(false);
    const continuous = { kind: 'continuous', alpha: 1, beta: 1 } as const;
    const pool = new ArithmeticTask({ ...skilled, difficulty: continuous }).pool(2);
    expect(pool.some(({ text }) => hasSkill(text))).toBe(false);
  });

  test('is counted apart, and no part of what a base depends on', () => {
    expect([...tierSizesOf(long).keys()]).toEqual(['T1', 'T2', 'T3']);
    expect([...outsideTierSizesOf(long)]).toEqual([['OOD', 50]]);
    expect([...outsideTierSizesOf(arithmeticVariants.E)]).toEqual([]);
    expect(corpusOf(long)).toEqual(corpusOf(without));
    expect(corpusOf(long)).not.toEqual(corpusOf({ ...without, trainedOperators: 5 }));
    expect(corpusOf(skilled)).not.toEqual(corpusOf(arithmeticVariants.E));
    expect(Object.keys(corpusOf(arithmeticVariants.E)!)).toEqual([
      ...['name', 'modulus', 'maxOperators', 'skills', 'formatErrorShare', 'tiers', 'tierSeed'],
    ]);
  });

  test('is told', () => {
    expect(describeInjected(long).join('\n')).toContain(
      'The tier OOD of 50 prompts of 7 to 8 operators is unlike corpus, pool and tiers (more than 6 operators), and no part of the mean',
    );
    expect(describeInjected(skilled).join('\n')).toContain(
      'No prompt of corpus, pool and tiers has `*7` or `-3`.',
    );
  });

  test.each([
    [{ ...long, trainedOperators: 9 }, 'task.trainedOperators must be in [1, 8], got 9'],
    [{ ...long, trainedOperators: 5 }, 'task.strata.hard.maxOperators must be in [5, 5], got 6'],
    [
      { ...long, outOfDistribution: { prompts: 5, minOperators: 6, maxOperators: 8 } },
      'task.outOfDistribution.minOperators (no skill is held out) must be in [7, 16], got 6',
    ],
    [
      { ...long, outOfDistribution: { prompts: 5, minOperators: 7, maxOperators: 9 } },
      'task.outOfDistribution.maxOperators must be in [7, 8], got 9',
    ],
    [
      { ...skilled, heldOutSkills: ['7*'] },
      "task.heldOutSkills[0] must be an operator and a digit below 10, such as '*1', got '7*'",
    ],
    [
      { ...skilled, modulus: 5, heldOutSkills: ['+1', '*7'] },
      "task.heldOutSkills[1] must be an operator and a digit below 5, such as '*1', got '*7'",
    ],
    [
      { ...small, wrongKeys: 'active' },
      "task.wrongKeys: must be 'random' or 'consistent', is the string \"active\"",
    ],
    [
      { ...small, difficulty: { kind: 'continuous', alpha: 0.4, beta: 1 } },
      'task.difficulty.alpha: must be at least 0.5, is the number 0.4',
    ],
  ])('is refused where it contradicts itself (case %#)', (config, message) => {
    expect(() => {
      checkTask(config as ArithmeticConfig);
    }).toThrow(message);
  });
});

test.each([
  ['1+2___=', '1+2='],
  ['1+2=', '1+2='],
  ['_=', '='],
  ['=', '='],
  ['', ''],
  ['1+2___', '1+2___'],
  ['a__b__=', 'a__b='],
])('the padding of %j is left out where people read it: %j', (prompt, shown) => {
  expect(withoutPadding(prompt)).toBe(shown);
});

describe('the arithmetic verifier', () => {
  const task = new ArithmeticTask(small);
  const verify = (key: string, response: string) =>
    arithmeticVerifier.verify('7-3*4+8=', key, response);

  test('rewards every right solution of a pool with 1, and with -0.5 where the key is wrong', () => {
    for (const { text, key, wrongKey } of task.pool(2)) {
      const verdict = arithmeticVerifier.verify(text, key, task.solve(text));
      expect(verdict.reward).toBe(wrongKey ? -0.5 : 1);
      expect(verdict.formatted).toBe(true);
    }
  });

  test('knows the truth beside a wrong key, and nothing beside a right one', () => {
    for (const { text, key, wrongKey, truth } of task.pool(3)) {
      expect(truth).toBe(wrongKey ? String(answerOf(text, small.modulus)) : undefined);
      expect(truth).not.toBe(key);
      expect(arithmeticAnswer(task.solve(text))).toBe(truth ?? key);
    }
  });

  test('judges the answer, not the way to it', () => {
    expect(verify('4', '9,9,9#4;')).toEqual({
      reward: 1,
      correct: true,
      formatted: true,
      extracted: '4',
    });
    expect(verify('4', '#4;').reward).toBe(1);
    expect(verify('4', '4,6,4#5;')).toEqual({
      reward: -0.5,
      correct: false,
      formatted: true,
      extracted: '5',
    });
  });

  test.each([
    ['no end', '4,6,4#4'],
    ['a format error of the corpus', '4,6,4?4;'],
    ['no answer', '4,6,4#;'],
    ['two digits in the answer', '4,6,4#44;'],
    ['two answers', '4,6,4#4#4;'],
    ['steps without a comma', '464#4;'],
    ['a comma before the answer', '4,6,4,#4;'],
    ['an operator in the chain', '4,6,+#4;'],
    ['the answer mark only', '4;'],
    ['an empty response', ''],
    ['the end alone', ';'],
    ['a padding character', '46_#4;'],
  ])('gives -1 for %s', (_, response) => {
    expect(verify('4', response)).toEqual({
      reward: -1,
      correct: false,
      formatted: false,
      extracted: null,
    });
  });

  test('does not read on after the end token', () => {
    expect(verify('4', '4,6,4#4;#5;').reward).toBe(1);
    expect(verify('5', '4,6,4#4;#5;').reward).toBe(-0.5);
  });

  test('refuses a token id past the vocabulary', async () => {
    await expect(task.text.decode([[19]])).rejects.toThrow('id 19 is not below 19');
  });
});

describe('the arithmetic config', () => {
  const change = (fields: Partial<ArithmeticConfig>) => ({ ...small, ...fields });
  const { easy } = small.strata;

  test.each([
    [change({ modulus: 11 }), 'task.modulus: must be at most 10, is the number 11'],
    [change({ modulus: 2.5 }), 'task.modulus: must be a whole number, is the number 2.5'],
    [change({ wrongKeyShare: Number.NaN }), 'task.wrongKeyShare: must be a number'],
    [
      change({ strata: { ...small.strata, easy: { ...easy, share: 0.5 } } }),
      'task.strata: the shares must sum to 1, got 1.1',
    ],
    [change({ maxOperators: 5 }), 'task.strata.hard.maxOperators must be in [5, 5], got 6'],
    [
      change({ skills: { by: 'operand', easiest: 0.5, hardest: 0.6, curve: 1, seed: 0 } }),
      'task.skills.hardest must be in [0, 0.5], got 0.6',
    ],
  ])('refuses a value out of range (case %#)', (config, message) => {
    expect(() => {
      checkTask(config);
    }).toThrow(message);
    expect(() => {
      checkTask(config);
    }).toThrow(ConfigError);
  });

  test('says so when a band holds fewer prompts than asked for', () => {
    // One operator, modulo 2: 12 prompts in all.
    const few = { ...easy, above: -1, minOperators: 1, maxOperators: 1 };
    const config = change({
      modulus: 2,
      poolPrompts: 20,
      tiers: [],
      strata: {
        easy: { ...few, share: 1 },
        learnable: { ...few, share: 0 },
        hard: { ...few, share: 0 },
      },
    });
    expect(() => new ArithmeticTask(config).pool(0)).toThrow(
      'task.strata.easy: wanted 20 distinct prompts, found only 12 in the band',
    );
  });

  test('describes what is injected with the numbers of the config', () => {
    const text = describeInjected(arithmeticVariants.G).join('\n');
    for (const part of [
      '0.42 for -',
      '15 % of the pool',
      '640 distinct',
      '40 % easy',
      'below 0.004',
    ]) {
      expect(text).toContain(part);
    }
    expect(describeInjected(arithmeticVariants.E).join('\n')).toContain(
      '30 skills, from 0.99 down to 0.08',
    );
  });
});
