import type { PoolPrompt, Task } from '../tasks/task.ts';

/** A prompt of a pool with its tokens. */
export interface PooledPrompt extends PoolPrompt {
  readonly tokens: Uint32Array;
}

/** The training prompts of one seed. */
export class Pool {
  readonly seed: number;
  readonly prompts: readonly PooledPrompt[];

  constructor(task: Task, seed: number) {
    this.seed = seed;
    this.prompts = task
      .pool(seed)
      .map((prompt) => ({ ...prompt, tokens: task.tokenizer.encode(prompt.text) }));
  }

  get size(): number {
    return this.prompts.length;
  }

  /** The place of every prompt. */
  get all(): number[] {
    return [...this.prompts.keys()];
  }

  /** @throws RangeError for a place that the pool has not. */
  at(index: number): PooledPrompt {
    const prompt = this.prompts[index];
    if (!prompt) throw new RangeError(`prompt ${index} is not in the pool of ${this.size}`);
    return prompt;
  }
}

/** What a reader may know of a prompt: where it came from, its key, and the truth beside a wrong one. */
export const keyOf = ({ origin, wrongKey, key, truth }: PoolPrompt) => ({
  origin,
  wrongKey,
  key,
  ...(truth === undefined ? {} : { truth }),
});
