// A task so small that PPO works in a few updates. Each prompt is a symbol. Its right answer is one
// of a few arms; a single token names an arm.
import * as v from 'valibot';
import { whole } from '../checked-numbers.ts';
import { RandomStream } from '../random.ts';
import type {
  CorpusSequence,
  PoolPrompt,
  Task,
  TaskDescription,
  TaskKind,
  TaskShape,
  TaskVerifier,
  Tier,
  Verdict,
} from './task.ts';
import { CharacterTokenizer, characterText, type Text } from './text.ts';

export interface BanditConfig {
  readonly name: 'bandit';
  /** Distinct prompts, 1 to 26. */
  readonly prompts: number;
  /** Arms to choose from, 2 to 10. */
  readonly arms: number;
  /** `match`: only the right arm earns 1. `constant`: every response earns 1. */
  readonly reward: 'match' | 'constant';
}

const schema = v.strictObject({
  name: v.literal('bandit'),
  prompts: whole(1, 26),
  arms: whole(2, 10),
  reward: v.picklist(['match', 'constant']),
}) satisfies v.GenericSchema<unknown, BanditConfig>;

const letters = 'abcdefghijklmnopqrstuvwxyz';

/** Prompts are `a=`, `b=`, ...; a response is one token. No prompt is held out: T1 is pool 0. */
export class BanditTask implements Task {
  readonly name = 'bandit';
  readonly config: BanditConfig;
  readonly tokenizer: CharacterTokenizer;
  readonly text: Text;
  readonly vocabularySize: number;
  readonly stopIds: readonly number[];
  readonly maxPromptTokens: number;
  readonly maxResponseTokens: number;
  readonly poolPrompts: number;

  constructor(config: BanditConfig) {
    this.config = config;
    this.tokenizer = tokenizerOf(config);
    this.text = characterText(this.tokenizer);
    const shape = shapeOf(config);
    this.vocabularySize = shape.vocabularySize;
    this.stopIds = shape.stopIds;
    this.maxPromptTokens = shape.maxPromptTokens;
    this.maxResponseTokens = shape.maxResponseTokens;
    this.poolPrompts = shape.poolPrompts;
  }

  /** The prompts of a pool, which are the same for every seed. The seed deals the right arms. */
  pool(seed: number): readonly PoolPrompt[] {
    const random = new RandomStream(seed, 'pool');
    return Array.from({ length: this.config.prompts }, (_, i) => ({
      text: `${letters[i] ?? ''}=`,
      key: String(random.below(this.config.arms)),
      origin: 'learnable',
      wrongKey: false,
    }));
  }

  tiers(): readonly Tier[] {
    return [{ name: 'T1', description: 'the prompts of pool 0', prompts: this.pool(0) }];
  }

  /**
   * A corpus in which every arm is equally likely, so that a base learns the format and nothing
   * else.
   */
  readonly corpus = (seed: number, update: number, count: number): readonly CorpusSequence[] => {
    return Array.from({ length: count }, (_, row) => {
      const random = new RandomStream(seed, 'corpus', update, row);
      const prompt = `${letters[random.below(this.config.prompts)] ?? ''}=`;
      const tokens = this.tokenizer.encode(`${prompt}${random.below(this.config.arms)}`);
      return { tokens, promptLength: prompt.length };
    });
  };

  describeInjected(): readonly string[] {
    const { prompts, arms, reward } = this.config;
    return [
      `${prompts} prompts with ${arms} arms each; the right arms are drawn from the seed. The held-out tier has those of seed 0, so that a run with another seed learns nothing that it is asked for.`,
      ...(reward === 'constant'
        ? ['Every response is rewarded alike: nothing can be learned.']
        : []),
    ];
  }
}

const tokenizerOf = ({ prompts, arms }: BanditConfig): CharacterTokenizer =>
  new CharacterTokenizer(`${'0123456789'.slice(0, arms)}=${letters.slice(0, prompts)}`);

const shapeOf = (config: BanditConfig): TaskShape => ({
  vocabularySize: tokenizerOf(config).size,
  stopIds: [],
  maxPromptTokens: 2,
  maxResponseTokens: 1,
  poolPrompts: config.prompts,
});

export const banditVerifier = ({ reward }: BanditConfig) =>
  ({
    endText: undefined,
    verify: (_prompt: string, key: string, response: string): Verdict => {
      const extracted = /^[0-9]/.exec(response)?.[0] ?? null;
      if (reward === 'constant') return { reward: 1, correct: true, formatted: true, extracted };
      if (extracted === null) return { reward: -1, correct: false, formatted: false, extracted };
      const correct = extracted === key;
      return { reward: correct ? 1 : -0.5, correct, formatted: true, extracted };
    },
  }) satisfies TaskVerifier;

const describe = ({ arms }: BanditConfig): TaskDescription => ({
  what: `a made-up task: a bandit: which of ${arms} arms belongs to a letter`,
  corpus: 'answers that know the form alone',
  limits: 'a made-up task. What was put in by design is listed below.',
  pool: '',
  hasStrata: false,
  isHeldOut: false,
  promptText: (prompt) => prompt,
  answerOf: () => undefined,
});

export const banditKind = {
  name: 'bandit',
  schema,
  shape: shapeOf,
  tierSizes: ({ prompts }) => new Map([['T1', prompts]]),
  corpusIdentity: (config) => config,
  describe,
  open: (config) => new BanditTask(config),
  verifier: banditVerifier,
} satisfies TaskKind<BanditConfig>;
