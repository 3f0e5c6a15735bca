// A task small enough to see PPO work in a few updates: each prompt is a symbol whose right answer
// is one of a few arms, named by a single token.
import { ConfigError } from '../config-error.ts';
import { RandomStream } from '../random.ts';
import {
  CharacterTokenizer,
  type CorpusSequence,
  type PoolPrompt,
  type Task,
  type TaskKind,
  type Tier,
  type Verdict,
} from './task.ts';

export interface BanditConfig {
  readonly name: 'bandit';
  /** Distinct prompts, 1 to 26. */
  readonly prompts: number;
  /** Arms to choose from, 2 to 10. */
  readonly arms: number;
  /** `match`: the reward has to be learned. `constant`: every response earns 1. */
  readonly reward: 'match' | 'constant';
}

export const banditDefaults: BanditConfig = {
  name: 'bandit',
  prompts: 8,
  arms: 4,
  reward: 'match',
};

/** @throws ConfigError naming the first field out of range. */
export function checkBandit(config: BanditConfig, path = 'task'): void {
  for (const [field, low, high] of [
    ['prompts', 1, 26],
    ['arms', 2, 10],
  ] as const) {
    const value = config[field];
    if (!(Number.isInteger(value) && value >= low && value <= high)) {
      const range = `a whole number in [${low}, ${high}]`;
      throw new ConfigError(`${path}.${field} must be ${range}, got ${value}`);
    }
  }
}

const letters = 'abcdefghijklmnopqrstuvwxyz';

/** Prompts `a=`, `b=`, ...; a response is one token. There is nothing to hold out: T1 is the pool. */
export class BanditTask implements Task {
  readonly name = 'bandit';
  readonly config: BanditConfig;
  readonly tokenizer: CharacterTokenizer;
  readonly endToken = undefined;
  readonly maxPromptTokens = 2;
  readonly maxResponseTokens = 1;

  /** @throws ConfigError */
  constructor(config: BanditConfig) {
    checkBandit(config);
    this.config = config;
    const digits = '0123456789'.slice(0, config.arms);
    this.tokenizer = new CharacterTokenizer(`${digits}=${letters.slice(0, config.prompts)}`);
  }

  /** The same prompts whatever the seed; the seed deals the right arms. */
  pool(seed: number): readonly PoolPrompt[] {
    const random = new RandomStream(seed, 'pool');
    return Array.from({ length: this.config.prompts }, (_, i) => ({
      text: `${letters[i] ?? ''}=`,
      key: String(random.below(this.config.arms)),
      baseProbability: 1 / this.config.arms,
      origin: 'learnable',
      wrongKey: false,
    }));
  }

  tiers(): readonly Tier[] {
    return [{ name: 'T1', description: 'the prompts of pool 0', prompts: this.pool(0) }];
  }

  /** Every arm as often, so that a base knows the format and nothing else. */
  corpus(seed: number, update: number, count: number): readonly CorpusSequence[] {
    return Array.from({ length: count }, (_, row) => {
      const random = new RandomStream(seed, 'corpus', update, row);
      const prompt = `${letters[random.below(this.config.prompts)] ?? ''}=`;
      const tokens = this.tokenizer.encode(`${prompt}${random.below(this.config.arms)}`);
      return { tokens, promptLength: prompt.length };
    });
  }

  verify(_prompt: string, key: string, response: string | ArrayLike<number>): Verdict {
    const text = typeof response === 'string' ? response : this.tokenizer.decode(response);
    const extracted = /^[0-9]/.exec(text)?.[0] ?? null;
    if (this.config.reward === 'constant') {
      return { reward: 1, correct: true, formatted: true, extracted };
    }
    if (extracted === null) return { reward: -1, correct: false, formatted: false, extracted };
    const correct = extracted === key;
    return { reward: correct ? 1 : -0.5, correct, formatted: true, extracted };
  }

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

export const banditKind: TaskKind<BanditConfig> = {
  check: checkBandit,
  create: (config) => new BanditTask(config),
  poolPrompts: ({ prompts }) => prompts,
  tierPrompts: ({ prompts }) => [prompts],
  corpus: (config) => config,
};
