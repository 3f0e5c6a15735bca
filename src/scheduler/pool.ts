import { givenText, type PoolPrompt, type Prompt, type Task } from '../tasks/task.ts';
import type { Text } from '../tasks/text.ts';

/** A prompt of a pool with its tokens. */
export interface PooledPrompt extends PoolPrompt {
  readonly tokens: Uint32Array;
}

/** The tokens of prompts, as the model receives them. */
export async function encodePrompts(
  text: Text,
  prompts: readonly Prompt[],
): Promise<readonly Uint32Array[]> {
  const known = prompts.flatMap(({ tokens }) => tokens ?? []);
  return known.length === prompts.length ? known : text.encode(prompts.map(givenText));
}

/** The training prompts of one seed. */
export class Pool {
  readonly seed: number;
  readonly prompts: readonly PooledPrompt[];

  private constructor(seed: number, prompts: readonly PooledPrompt[]) {
    this.seed = seed;
    this.prompts = prompts;
  }

  static async open(task: Task, seed: number): Promise<Pool> {
    const prompts = task.pool(seed);
    const encoded = await encodePrompts(task.text, prompts);
    return new Pool(
      seed,
      prompts.map((prompt, i) => ({ ...prompt, tokens: encoded[i] ?? new Uint32Array() })),
    );
  }

  get size(): number {
    return this.prompts.length;
  }

  /** The places of all prompts. */
  get all(): number[] {
    return [...this.prompts.keys()];
  }

  /** @throws RangeError for a place that is not in the pool. */
  at(index: number): PooledPrompt {
    const prompt = this.prompts[index];
    if (!prompt) throw new RangeError(`prompt ${index} is not in the pool of ${this.size}`);
    return prompt;
  }
}

/**
 * The facts about a prompt for readers: its origin, its key, the truth if the key is wrong, and
 * what its row says.
 */
export const keyOf = ({ origin, wrongKey, key, truth, columns }: PoolPrompt) => ({
  ...(origin === undefined ? {} : { origin }),
  ...(wrongKey === undefined ? {} : { wrongKey }),
  key,
  ...(truth === undefined ? {} : { truth }),
  ...(columns === undefined ? {} : { columns }),
});
