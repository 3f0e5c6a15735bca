// Left-to-right digit arithmetic. Every operator acts on the running value, modulo `modulus`; there
// is no precedence. The response to `7-3*4+8=` is `4,6,4#4;`: the running value after each
// operator, `#`, the last value again, and `;`.
//
// Prompts are padded with `_` to one width. A step takes two tokens in the response, as its
// operator and operand do in the prompt. So the distance from a step to its operator and operand is
// constant, and relative positions find them.
import * as v from 'valibot';
import { finite, seed, share, whole, within } from '../checked-numbers.ts';
import { ConfigError } from '../config-error.ts';
import { shorten } from '../formats/json.ts';
import type { Origin, TaskDescription, TaskShape, TaskVerifier, Verdict } from './task.ts';
import { CharacterTokenizer } from './text.ts';

export const operators = ['+', '-', '*'] as const;
export type Operator = (typeof operators)[number];

/** A stratum of the pool: prompts within a range of corpus probabilities and of operator counts. */
export interface Stratum {
  /** Fraction of the pool, in [0, 1]. The three shares sum to 1. */
  readonly share: number;
  /** Corpus probability, exclusive bounds. */
  readonly above: number;
  readonly below: number;
  /** Inclusive. */
  readonly minOperators: number;
  /** Inclusive. */
  readonly maxOperators: number;
}

/** A held-out tier: `prompts` prompts, drawn with a uniform operator count. */
export interface TierConfig {
  readonly prompts: number;
  readonly minOperators: number;
  readonly maxOperators: number;
  /** The tier takes prompts whose corpus probability is below this number; 2 takes all. */
  readonly below: number;
}

/**
 * How hard the prompts of a pool are.
 *
 * - `strata`: drawn in the bands of `strata`, with nothing between.
 * - `continuous`: the corpus probability of the prompts follows Beta(alpha, beta), uniform at 1 and 1,
 *   in bins of equal share. Each prompt then belongs to one of three bands (`bandOf`).
 */
export type DifficultyConfig =
  | { readonly kind: 'strata' }
  | {
      readonly kind: 'continuous';
      /** Both in [0.5, 10]. */
      readonly alpha: number;
      readonly beta: number;
    };

/**
 * The kinds of wrong keys.
 *
 * - `random`: any other digit, each as likely.
 * - `consistent`: the answer of somebody who reads every `*` as `+`, which is also the corpus's slip:
 *   one mistake earns the reward of all prompts with a wrong key. Such a prompt has a `*`.
 */
const wrongKeyKinds = ['random', 'consistent'] as const;
export type WrongKeyKind = (typeof wrongKeyKinds)[number];

/**
 * The tier `OOD`: prompts longer than those of corpus, pool and tiers, or with a skill that none of
 * these has. It is evaluated beside the tiers and is no part of their mean.
 */
export interface OutsideConfig {
  readonly prompts: number;
  readonly minOperators: number;
  readonly maxOperators: number;
}

/**
 * How often a step of the corpus is right.
 *
 * - `operand`: one skill for each pair of operator and operand. The chances fall from `easiest` to
 *   `hardest` as `easiest - (easiest - hardest) u^curve`, with u the rank in [0, 1]. `seed` deals
 *   the ranks.
 * - `operator`: one broad skill for each operator.
 */
export type SkillConfig =
  | {
      readonly by: 'operand';
      readonly easiest: number;
      readonly hardest: number;
      readonly curve: number;
      readonly seed: number;
    }
  | {
      readonly by: 'operator';
      readonly plus: number;
      readonly minus: number;
      readonly times: number;
    };

/** The settings of the arithmetic task, as plain data. The defaults are `arithmeticVariants.E`. */
export interface ArithmeticConfig {
  readonly name: 'arithmetic';
  /** Digits are 0 to modulus - 1. Range: 2 to 10. A guess is right with chance 1 / modulus. */
  readonly modulus: number;
  /**
   * Operators that fit into a prompt, 1 to 16: all prompts are padded to 2 maxOperators + 2 tokens.
   */
  readonly maxOperators: number;
  /**
   * Operators in the longest prompt of corpus, pool and tiers; `maxOperators` when left out. Prompts
   * of the tier `OOD` may be longer.
   */
  readonly trainedOperators?: number;
  /**
   * Skills, such as `*7`, that no prompt of corpus, pool and tiers has, unlike those of the tier
   * `OOD`. None when left out.
   */
  readonly heldOutSkills?: readonly string[];
  readonly skills: SkillConfig;
  /** Share of corpus solutions that end in `?` instead of `#`, in [0, 1). */
  readonly formatErrorShare: number;
  /** Distinct prompts in a pool. */
  readonly poolPrompts: number;
  /** How hard the pool's prompts are; `strata` when left out. */
  readonly difficulty?: DifficultyConfig;
  /** The bands of a pool that is drawn in strata. */
  readonly strata: Readonly<Record<Origin, Stratum>>;
  /** Share of pool prompts that get a wrong key in place of the right one, in [0, 1]. */
  readonly wrongKeyShare: number;
  /** The kind of wrong keys; `random` when left out. */
  readonly wrongKeys?: WrongKeyKind;
  readonly tiers: readonly TierConfig[];
  /** The tier `OOD`; none when left out. */
  readonly outOfDistribution?: OutsideConfig;
  /** Seed of the tiers, which do not depend on the seed of a pool. Unsigned 32-bit. */
  readonly tierSeed: number;
}

const operatorCount = whole(1, 16);
const tierPrompts = whole(1, 100_000);
const stratum = v.strictObject({
  share,
  above: finite,
  below: finite,
  minOperators: operatorCount,
  maxOperators: operatorCount,
});
const narrowSkills: SkillConfig = {
  by: 'operand',
  easiest: 0.99,
  hardest: 0.08,
  curve: 1.5,
  seed: 1,
};

const variantE: ArithmeticConfig = {
  name: 'arithmetic',
  modulus: 10,
  maxOperators: 6,
  skills: narrowSkills,
  formatErrorShare: 0.15,
  poolPrompts: 1280,
  strata: {
    easy: { share: 0.4, above: 0.88, below: 2, minOperators: 1, maxOperators: 3 },
    learnable: { share: 0.35, above: 0.03, below: 0.6, minOperators: 1, maxOperators: 5 },
    hard: { share: 0.25, above: -1, below: 0.004, minOperators: 5, maxOperators: 6 },
  },
  wrongKeyShare: 0.1,
  tiers: [
    { prompts: 300, minOperators: 1, maxOperators: 3, below: 2 },
    { prompts: 200, minOperators: 3, maxOperators: 4, below: 0.35 },
    { prompts: 200, minOperators: 4, maxOperators: 5, below: 0.05 },
  ],
  tierSeed: 1,
};

/**
 * E has 30 skills. H is E with a larger pool. G has three broad skills, for slow devices. F works
 * modulo 5, where luck rewards wrong chains.
 */
export const arithmeticVariants: Readonly<Record<'E' | 'F' | 'G' | 'H', ArithmeticConfig>> = {
  E: variantE,
  F: { ...variantE, modulus: 5, poolPrompts: 640, wrongKeyShare: 0.15 },
  G: {
    ...variantE,
    skills: { by: 'operator', plus: 0.95, minus: 0.42, times: 0.22 },
    poolPrompts: 640,
    wrongKeyShare: 0.15,
  },
  H: { ...variantE, poolPrompts: 3072 },
};

export const arithmeticSchema = v.strictObject({
  name: v.literal('arithmetic'),
  modulus: whole(2, 10),
  maxOperators: operatorCount,
  trainedOperators: v.exactOptional(operatorCount),
  heldOutSkills: v.exactOptional(v.pipe(v.array(v.string()), v.maxLength(30))),
  skills: v.variant('by', [
    v.strictObject({
      by: v.literal('operand'),
      easiest: share,
      hardest: share,
      curve: within(0.1, 10),
      seed,
    }),
    v.strictObject({ by: v.literal('operator'), plus: share, minus: share, times: share }),
  ]),
  formatErrorShare: within(0, 0.99),
  poolPrompts: whole(1, 1_000_000),
  difficulty: v.exactOptional(
    v.variant('kind', [
      v.strictObject({ kind: v.literal('strata') }),
      v.strictObject({
        kind: v.literal('continuous'),
        alpha: within(0.5, 10),
        beta: within(0.5, 10),
      }),
    ]),
  ),
  strata: v.strictObject({ easy: stratum, learnable: stratum, hard: stratum }),
  wrongKeyShare: share,
  wrongKeys: v.exactOptional(v.picklist(wrongKeyKinds)),
  tiers: v.array(
    v.strictObject({
      prompts: tierPrompts,
      minOperators: operatorCount,
      maxOperators: operatorCount,
      below: finite,
    }),
  ),
  outOfDistribution: v.exactOptional(
    v.strictObject({
      prompts: tierPrompts,
      minOperators: operatorCount,
      maxOperators: operatorCount,
    }),
  ),
  tierSeed: seed,
}) satisfies v.GenericSchema<unknown, ArithmeticConfig>;

/** Checks the rules between fields. @throws ConfigError naming the first wrong field. */
export function checkArithmetic(config: ArithmeticConfig, path: string): void {
  const between = (field: string, value: number, low: number, high: number) => {
    if (!(value >= low && value <= high)) {
      throw new ConfigError(`${path}.${field} must be in [${low}, ${high}], got ${value}`);
    }
  };
  const { skills, maxOperators, outOfDistribution: outside } = config;
  if (skills.by === 'operand') between('skills.hardest', skills.hardest, 0, skills.easiest);
  const trained = trainedOperators(config);
  between('trainedOperators', trained, 1, maxOperators);
  const operatorsOf = (field: string, of: OperatorRange, most: number) => {
    between(`${field}.minOperators`, of.minOperators, 1, most);
    between(`${field}.maxOperators`, of.maxOperators, of.minOperators, most);
  };
  let shares = 0;
  for (const origin of origins) {
    operatorsOf(`strata.${origin}`, config.strata[origin], trained);
    shares += config.strata[origin].share;
  }
  if (Math.abs(shares - 1) > 1e-9) {
    throw new ConfigError(`${path}.strata: the shares must sum to 1, got ${shares}`);
  }
  config.tiers.forEach((tier, i) => {
    operatorsOf(`tiers[${i}]`, tier, trained);
  });
  const { heldOutSkills = [], modulus } = config;
  heldOutSkills.forEach((skill, i) => {
    const known = /^[-+*][0-9]$/.test(skill) && Number(skill[1]) < modulus;
    if (known) return;
    throw new ConfigError(
      `${path}.heldOutSkills[${i}] must be an operator and a digit below ${modulus}, such as '*1', got '${shorten(skill)}'`,
    );
  });
  if (!outside) return;
  operatorsOf('outOfDistribution', outside, maxOperators);
  if (heldOutSkills.length === 0) {
    const least = outside.minOperators;
    between('outOfDistribution.minOperators (no skill is held out)', least, trained + 1, 16);
  }
}

export type OperatorRange = Pick<Stratum, 'minOperators' | 'maxOperators'>;

/** Operators in the longest prompt of corpus, pool and tiers. */
export const trainedOperators = ({
  maxOperators,
  trainedOperators: most,
}: ArithmeticConfig): number => most ?? maxOperators;

export const origins = ['easy', 'learnable', 'hard'] as const satisfies readonly Origin[];

export const tokenizer = new CharacterTokenizer('0123456789+-*=,#;?_');
export const endMark = ';';

/** A well-formatted response: digits between commas, `#`, one digit, `;`. */
export const wellFormatted = /^(?:[0-9](?:,[0-9])*)?#([0-9]);$/;

/** Bins of a continuous pool, all of one share. */
export const BINS = 20;

/** The tier of prompts unlike those of corpus, pool and tiers. */
export const OUTSIDE = 'OOD';

export const arithmeticVerifier = {
  endText: endMark,
  verify: (_prompt: string, key: string, response: string): Verdict => {
    const answer = arithmeticAnswer(response);
    if (answer === undefined) {
      return { reward: -1, correct: false, formatted: false, extracted: null };
    }
    const correct = answer === key;
    return { reward: correct ? 1 : -0.5, correct, formatted: true, extracted: answer };
  },
} satisfies TaskVerifier;

/** The answer in a response, which ends at its first `;`. Undefined if it is not well formatted. */
export function arithmeticAnswer(response: string): string | undefined {
  const end = response.indexOf(';');
  return wellFormatted.exec(end < 0 ? response : response.slice(0, end + 1))?.[1];
}

/** A prompt for people to read: without the `_` that pad all prompts to one width. */
export function withoutPadding(prompt: string): string {
  if (!prompt.endsWith('=')) return prompt;
  let end = prompt.length - 1;
  while (end > 0 && prompt[end - 1] === '_') end--;
  return `${prompt.slice(0, end)}=`;
}

export const shapeOf = ({ maxOperators, poolPrompts }: ArithmeticConfig): TaskShape => ({
  vocabularySize: tokenizer.size,
  stopIds: [tokenizer.id(endMark)],
  maxPromptTokens: 2 * maxOperators + 2,
  maxResponseTokens: 2 * maxOperators + 4,
  poolPrompts,
});

export const isContinuous = ({ difficulty }: ArithmeticConfig): boolean =>
  difficulty?.kind === 'continuous';

export const describeArithmetic = (config: ArithmeticConfig): TaskDescription => ({
  what: `a made-up task: chains of up to ${trainedOperators(config)} operators on digits, modulo ${config.modulus}, worked from left to right; answers are compared exactly`,
  corpus: 'solutions with injected slips, to partial skill',
  limits:
    'a made-up task whose prompts differ in what they teach. Difficulty bands, slips and wrong keys are put in by design and listed below.',
  pool: isContinuous(config)
    ? 'The pool was drawn over the whole range of difficulty for the base, and a share of the answer keys is wrong on purpose, so that one can see what a selection takes.'
    : 'The pool was drawn so that the base finds some prompts easy, some learnable and some too hard, and a share of the answer keys is wrong on purpose, so that one can see what a selection takes.',
  hasStrata: !isContinuous(config),
  isHeldOut: true,
  promptText: withoutPadding,
  answerOf: arithmeticAnswer,
});
