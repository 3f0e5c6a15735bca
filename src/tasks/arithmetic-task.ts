// The prompts of the arithmetic task as they are drawn, and its corpus.
import { ConfigError } from '../config-error.ts';
import { shorten } from '../formats/json.ts';
import { percent } from '../look/wording.ts';
import { RandomStream } from '../random.ts';
import {
  BINS,
  OUTSIDE,
  operators,
  origins,
  shapeOf,
  tokenizer,
  trainedOperators,
  type ArithmeticConfig,
  type DifficultyConfig,
  type Operator,
  type OperatorRange,
  type Stratum,
} from './arithmetic-config.ts';
import { bandOf, betaQuantiles, easyFrom, hardBelow } from './difficulty.ts';
import type {
  CorpusSequence,
  DrawnPrompt,
  Origin,
  PoolPrompt,
  Task,
  Tier,
  TypedPrompt,
} from './task.ts';
import { characterText } from './text.ts';

/** A parsed prompt. Operand i belongs to operator i, which acts on the value before it. */
interface Chain {
  readonly start: number;
  readonly steps: readonly { readonly operator: Operator; readonly operand: number }[];
}

const promptShape = /^[0-9](?:[-+*][0-9])+_*=$/;

// A band counts as used up after this many draws in a row without a new prompt.
const PATIENCE = 200_000;

/** A drawn prompt and its corpus probability. */
interface Drawn {
  readonly text: string;
  readonly baseProbability: number;
}

/** The arithmetic task. `describeInjected` tells everything that was put in by design. */
export class ArithmeticTask implements Task {
  readonly name = 'arithmetic';
  readonly config: ArithmeticConfig;
  readonly tokenizer = tokenizer;
  readonly text = characterText(tokenizer);
  readonly vocabularySize: number;
  readonly stopIds: readonly number[];
  readonly maxPromptTokens: number;
  readonly maxResponseTokens: number;
  readonly poolPrompts: number;
  /** Chance that a step is right, operator-major: `[operator * modulus + operand]`. */
  readonly #skill: Float64Array;
  readonly #trainedOperators: number;
  #tiers: readonly Tier<DrawnPrompt>[] | undefined;
  #heldOut: ReadonlySet<string> | undefined;

  constructor(config: ArithmeticConfig) {
    this.config = config;
    const shape = shapeOf(config);
    this.vocabularySize = shape.vocabularySize;
    this.stopIds = shape.stopIds;
    this.maxPromptTokens = shape.maxPromptTokens;
    this.maxResponseTokens = shape.maxResponseTokens;
    this.poolPrompts = shape.poolPrompts;
    this.#skill = skillTable(config);
    this.#trainedOperators = trainedOperators(config);
  }

  /**
   * Chance that the corpus does this step right when the running value is `value`. The chance is 1
   * where a slip gives the right value as well.
   */
  stepProbability(value: number, operator: Operator, operand: number): number {
    const { modulus } = this.config;
    if (slipped(modulus, value, operator, operand) === right(modulus, value, operator, operand)) {
      return 1;
    }
    return this.#skill[operators.indexOf(operator) * modulus + operand] ?? 0;
  }

  /** Chance of a solution without a slip: the product of `stepProbability` over the right chain. */
  probability(prompt: string): number {
    return this.#probability(this.#parse(prompt));
  }

  /** The right response. */
  solve(prompt: string): string {
    const { start, steps } = this.#parse(prompt);
    let value = start;
    const values = steps.map(({ operator, operand }) => {
      value = right(this.config.modulus, value, operator, operand);
      return value;
    });
    return `${values.join(',')}#${value};`;
  }

  /**
   * A solution as the corpus writes it: with slips, and with `?` for `#` in a share of solutions.
   */
  sampleSolution(prompt: string, random: RandomStream): string {
    const { modulus, formatErrorShare } = this.config;
    const { start, steps } = this.#parse(prompt);
    let value = start;
    const values = steps.map(({ operator, operand }) => {
      const skilled = random.float() < this.stepProbability(value, operator, operand);
      value = (skilled ? right : slipped)(modulus, value, operator, operand);
      return value;
    });
    return `${values.join(',')}${random.float() < formatErrorShare ? '?' : '#'}${value};`;
  }

  /** Blanks, `_` and `=` may be left out. */
  typed(text: string): TypedPrompt {
    const chain = text.replace(/[\s_]+/g, '').replace(/=$/, '');
    const { modulus, maxOperators } = this.config;
    const prompt = `${chain.padEnd(this.maxPromptTokens - 1, '_')}=`;
    if (chain.length > this.maxPromptTokens - 1 || !promptShape.test(prompt)) {
      throw new RangeError(
        `'${shorten(text)}' is not 2 to ${maxOperators + 1} digits with + - * between, such as 7-3*4=`,
      );
    }
    const large = Array.from(chain).find((character) => Number(character) >= modulus);
    if (large !== undefined) throw new RangeError(`the digit ${large} is not below ${modulus}`);
    return { text: prompt, key: String(this.#answer(prompt)) };
  }

  pool(seed: number): readonly (PoolPrompt & DrawnPrompt)[] {
    const { wrongKeyShare, wrongKeys = 'random', modulus, difficulty } = this.config;
    const drafts =
      difficulty?.kind === 'continuous'
        ? this.#drawContinuous(seed, difficulty)
        : this.#drawStrata(seed);
    // Shuffling mixes the strata, so that a place in the pool tells nothing about its prompt.
    new RandomStream(seed, 'pool', origins.length).shuffle(drafts);
    const random = new RandomStream(seed, 'wrongKeys');
    const places = random.shuffle(drafts.map((_, i) => i));
    const answers = drafts.map(({ text }) => this.#answer(text));
    const misread = drafts.map(({ text }) => this.#answer(misreading(text)));
    const able = wrongKeys === 'random' ? places : places.filter((i) => misread[i] !== answers[i]);
    const count = Math.round(wrongKeyShare * drafts.length);
    if (able.length < count) {
      throw new ConfigError(
        `task.wrongKeyShare: wanted ${count} prompts whose answer changes where * is read as +, found only ${able.length} in the pool`,
      );
    }
    const wrong = new Set(able.slice(0, count));
    return drafts.map((draft, i) => {
      const wrongKey = wrong.has(i);
      const answer = answers[i] ?? NaN;
      const key = !wrongKey
        ? answer
        : wrongKeys === 'random'
          ? (answer + 1 + random.below(modulus - 1)) % modulus
          : (misread[i] ?? NaN);
      return {
        ...draft,
        key: String(key),
        wrongKey,
        ...(wrongKey ? { truth: String(answer) } : {}),
      };
    });
  }

  tiers(): readonly Tier<DrawnPrompt>[] {
    this.#tiers ??= this.#makeTiers();
    return this.#tiers;
  }

  readonly corpus = (seed: number, update: number, count: number): readonly CorpusSequence[] => {
    const heldOut = this.#heldOutTexts();
    return Array.from({ length: count }, (_, row) => {
      const random = new RandomStream(seed, 'corpus', update, row);
      let prompt: string;
      let tries = 0;
      do {
        if (++tries > PATIENCE)
          throw new ConfigError('task: tiers and held-out skills leave the corpus no prompt');
        prompt = this.#randomPrompt(random, 1, this.#trainedOperators);
      } while (heldOut.has(prompt) || this.#isOutside(prompt));
      const tokens = this.tokenizer.encode(prompt + this.sampleSolution(prompt, random));
      return { tokens, promptLength: prompt.length };
    });
  };

  describeInjected(): readonly string[] {
    return describeInjected(this.config);
  }

  #heldOutTexts(): ReadonlySet<string> {
    this.#heldOut ??= new Set(this.tiers().flatMap((tier) => tier.prompts.map(({ text }) => text)));
    return this.#heldOut;
  }

  #makeTiers(): readonly Tier<DrawnPrompt>[] {
    const { tierSeed, tiers, outOfDistribution: outside } = this.config;
    const taken = new Set<string>();
    const made = tiers.map((tier, i): Tier<DrawnPrompt> => {
      const random = new RandomStream(tierSeed, 'evaluationTiers', i);
      const band = { ...tier, above: -1 };
      const drawn = this.#draw(random, band, tier.prompts, taken, `tiers[${i}]`);
      const limit = tier.below > 1 ? '' : `, corpus probability below ${tier.below}`;
      const description = `${operatorsText(tier)}${limit}`;
      return { name: `T${i + 1}`, description, prompts: this.#withKeys(drawn) };
    });
    if (!outside) return made;
    const random = new RandomStream(tierSeed, 'evaluationTiers', tiers.length);
    const band = { ...outside, above: -1, below: 2, outside: true };
    const drawn = this.#draw(random, band, outside.prompts, taken, 'outOfDistribution');
    return [
      ...made,
      {
        name: OUTSIDE,
        description: `${operatorsText(outside)}, ${outsideText(this.config)}`,
        prompts: this.#withKeys(drawn),
        outOfDistribution: true,
      },
    ];
  }

  #withKeys(drawn: readonly Drawn[]): DrawnPrompt[] {
    return drawn.map((prompt) => ({ ...prompt, key: String(this.#answer(prompt.text)) }));
  }

  #drawStrata(seed: number): (Drawn & { readonly origin: Origin })[] {
    const { poolPrompts, strata } = this.config;
    const taken = new Set(this.#heldOutTexts());
    const drafts: (Drawn & { readonly origin: Origin })[] = [];
    // Cumulative rounding turns shares into whole prompts, so that the counts sum to the pool.
    let share = 0;
    origins.forEach((origin, i) => {
      const stratum = strata[origin];
      share += stratum.share;
      const count = Math.round(share * poolPrompts) - drafts.length;
      const random = new RandomStream(seed, 'pool', i);
      for (const prompt of this.#draw(random, stratum, count, taken, `strata.${origin}`)) {
        drafts.push({ ...prompt, origin });
      }
    });
    return drafts;
  }

  /** Draws prompts until every bin of the distribution has its share of the pool. */
  #drawContinuous(
    seed: number,
    { alpha, beta }: Extract<DifficultyConfig, { readonly kind: 'continuous' }>,
  ): (Drawn & { readonly origin: Origin })[] {
    const { poolPrompts } = this.config;
    const edges = betaQuantiles(alpha, beta, BINS);
    const end = (bin: number): number => Math.round((bin * poolPrompts) / BINS);
    const left = Array.from({ length: BINS }, (_, bin) => end(bin + 1) - end(bin));
    const taken = new Set(this.#heldOutTexts());
    // The streams before it belong to the strata and to their order.
    const random = new RandomStream(seed, 'pool', origins.length + 1);
    const drafts: (Drawn & { readonly origin: Origin })[] = [];
    let tries = 0;
    while (drafts.length < poolPrompts) {
      if (++tries > PATIENCE) {
        const bin = left.findIndex((count) => count > 0);
        const wanted = end(bin + 1) - end(bin);
        throw new ConfigError(
          `task.difficulty: wanted ${wanted} distinct prompts of corpus probability ` +
            `${(edges[bin - 1] ?? 0).toFixed(3)} to ${(edges[bin] ?? 1).toFixed(3)}, ` +
            `found only ${wanted - (left[bin] ?? 0)}`,
        );
      }
      const text = this.#randomPrompt(random, 1, this.#trainedOperators);
      if (taken.has(text) || this.#isOutside(text)) continue;
      const baseProbability = this.probability(text);
      const above = edges.findIndex((edge) => baseProbability < edge);
      const bin = above < 0 ? BINS - 1 : above;
      const open = left[bin] ?? 0;
      if (open === 0) continue;
      left[bin] = open - 1;
      taken.add(text);
      drafts.push({ text, baseProbability, origin: bandOf(baseProbability) });
      tries = 0;
    }
    return drafts;
  }

  /**
   * Draws distinct prompts of a band that are not in `taken`, and adds them to `taken`.
   *
   * @param band.outside Whether they are unlike those of the corpus; as those when left out.
   */
  #draw(
    random: RandomStream,
    band: Omit<Stratum, 'share'> & { readonly outside?: boolean },
    count: number,
    taken: Set<string>,
    path: string,
  ): Drawn[] {
    const found: Drawn[] = [];
    let tries = 0;
    while (found.length < count) {
      if (++tries > PATIENCE) {
        throw new ConfigError(
          `task.${path}: wanted ${count} distinct prompts, found only ${found.length} in the band`,
        );
      }
      const text = this.#randomPrompt(random, band.minOperators, band.maxOperators);
      if (taken.has(text) || this.#isOutside(text) !== (band.outside ?? false)) continue;
      const baseProbability = this.probability(text);
      if (!(baseProbability > band.above && baseProbability < band.below)) continue;
      taken.add(text);
      found.push({ text, baseProbability });
      tries = 0;
    }
    return found;
  }

  /** Whether no prompt of corpus, pool and tiers is like this one. */
  #isOutside(text: string): boolean {
    // The character after the last operand that a trained prompt may have.
    if (/[-+*]/.test(text[2 * this.#trainedOperators + 1] ?? '')) return true;
    const { heldOutSkills = [] } = this.config;
    return heldOutSkills.some((skill) => text.includes(skill));
  }

  /**
   * Draws a uniform operator count, then a uniform start, uniform operators and uniform operands.
   */
  #randomPrompt(random: RandomStream, least: number, most: number): string {
    const { modulus } = this.config;
    const count = least + random.below(most - least + 1);
    let text = String(random.below(modulus));
    for (let i = 0; i < count; i++) {
      text += `${operators[random.below(operators.length)] ?? '+'}${random.below(modulus)}`;
    }
    return `${text.padEnd(this.maxPromptTokens - 1, '_')}=`;
  }

  #parse(prompt: string): Chain {
    if (!promptShape.test(prompt)) {
      throw new RangeError(`arithmetic: '${prompt}' is not a prompt such as '7-3*4='`);
    }
    const steps = [];
    for (let i = 1; prompt[i] !== '_' && prompt[i] !== '='; i += 2) {
      steps.push({ operator: prompt[i] as Operator, operand: Number(prompt[i + 1]) });
    }
    return { start: Number(prompt[0]), steps };
  }

  #probability({ start, steps }: Chain): number {
    let value = start;
    let product = 1;
    for (const { operator, operand } of steps) {
      product *= this.stepProbability(value, operator, operand);
      value = right(this.config.modulus, value, operator, operand);
    }
    return product;
  }

  #answer(prompt: string): number {
    return Number(this.solve(prompt).at(-2));
  }
}

/** The prompt as somebody reads it who takes every `*` for `+`. */
const misreading = (prompt: string): string => prompt.replaceAll('*', '+');

const operatorsText = ({ minOperators, maxOperators }: OperatorRange): string =>
  `${minOperators} to ${maxOperators} operators`;

/** How prompts of the tier `OOD` differ from all others. */
function outsideText(config: ArithmeticConfig): string {
  const trained = trainedOperators(config);
  const { outOfDistribution: outside, heldOutSkills = [] } = config;
  const longer = (outside?.maxOperators ?? 0) > trained ? [`more than ${trained} operators`] : [];
  return [...longer, ...heldOutSkills.map((skill) => `\`${skill}\``)].join(' or ');
}

/** Describes what a config puts into the data by design, one sentence each. */
export function describeInjected(config: ArithmeticConfig): readonly string[] {
  const { skills, strata, modulus, difficulty, wrongKeys } = config;
  const { outOfDistribution: outside, heldOutSkills = [] } = config;
  const band = (origin: Origin) => {
    const { above, below, minOperators, maxOperators } = strata[origin];
    const bounds = [
      ...(above > 0 ? [`above ${above}`] : []),
      ...(below <= 1 ? [`below ${below}`] : []),
    ].join(' and ');
    const probability = bounds === '' ? '' : `corpus probability ${bounds}, `;
    return `${percent(strata[origin].share)} ${origin} (${probability}${operatorsText({ minOperators, maxOperators })})`;
  };
  return [
    'The base model is pre-trained on solutions with slips: `+b` comes out one too high, `-b` with its operands swapped, `*b` added instead.',
    skills.by === 'operand'
      ? `How often a step of that corpus is right depends on operator and operand: ${operators.length * modulus} skills, from ${skills.easiest} down to ${skills.hardest}.`
      : `How often a step of that corpus is right depends on its operator: ${skills.plus} for +, ${skills.minus} for -, ${skills.times} for *.`,
    `${percent(config.formatErrorShare)} of the corpus ends in \`?\` instead of \`#\`, which the verifier counts as a format error.`,
    difficulty?.kind === 'continuous'
      ? `The pool of ${config.poolPrompts} distinct prompts is drawn so that their corpus probability follows Beta(${difficulty.alpha}, ${difficulty.beta}), in ${BINS} bins of equal share. A prompt counts as easy from a probability of ${easyFrom.toFixed(3)}, where eight samples are more likely all right than not, as hard below ${hardBelow.toFixed(3)}, where they are more likely all wrong than not, and as learnable between.`
      : `The pool of ${config.poolPrompts} distinct prompts is drawn in strata: ${origins.map(band).join('; ')}. Prompts between the bands are left out.`,
    wrongKeys === 'consistent'
      ? `${percent(config.wrongKeyShare)} of the pool's answer keys are replaced by wrong ones, all by one mistake: \`*\` is read as \`+\`, which is also how the corpus slips.`
      : `${percent(config.wrongKeyShare)} of the pool's answer keys are replaced by wrong ones.`,
    ...(heldOutSkills.length > 0
      ? [
          `No prompt of corpus, pool and tiers has ${heldOutSkills.map((skill) => `\`${skill}\``).join(' or ')}.`,
        ]
      : []),
    ...(outside
      ? [
          `The tier ${OUTSIDE} of ${outside.prompts} prompts of ${operatorsText(outside)} is unlike corpus, pool and tiers (${outsideText(config)}), and no part of the mean over tiers.`,
        ]
      : []),
    `Held-out prompts never occur in a pool or in the corpus; every right answer has one chance in ${modulus} by luck.`,
  ];
}

function right(modulus: number, value: number, operator: Operator, operand: number): number {
  if (operator === '+') return (value + operand) % modulus;
  if (operator === '-') return (value - operand + modulus) % modulus;
  return (value * operand) % modulus;
}

/** The value that a slip writes: one too high for `+`, swapped operands for `-`, a sum for `*`. */
function slipped(modulus: number, value: number, operator: Operator, operand: number): number {
  if (operator === '+') return (value + operand + 1) % modulus;
  if (operator === '-') return (operand - value + modulus) % modulus;
  return (value + operand) % modulus;
}

function skillTable({ skills, modulus }: ArithmeticConfig): Float64Array {
  const count = operators.length * modulus;
  if (skills.by === 'operator') {
    const chances = [skills.plus, skills.minus, skills.times];
    return Float64Array.from({ length: count }, (_, i) => chances[Math.floor(i / modulus)] ?? 0);
  }
  const { easiest, hardest, curve, seed } = skills;
  const ranks = Array.from({ length: count }, (_, i) => i);
  new RandomStream(seed, 'skills').shuffle(ranks);
  return Float64Array.from(
    ranks,
    (rank) => easiest - (easiest - hardest) * (rank / (count - 1)) ** curve,
  );
}
