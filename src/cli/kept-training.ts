import { bytesText } from '../gpu/memory.ts';
import type { ModelConfig } from '../model/config.ts';
import { parameterLayout } from '../model/parameters.ts';
import type { PretrainKeeping, PretrainState } from '../scheduler/base.ts';
import { system } from './system.ts';

/** Longest that a training works between two copies, unless one update takes longer. */
const COPY_SECONDS = 300;
/** The most that a copy may take of the host's memory; two are held while one takes the other's place. */
const MOST_BYTES = 2 ** 31;

/** Weights and two moments of each parameter. */
const BYTES_PER_PARAMETER = 12;

/**
 * Weights and moments of a training on the host, from which it goes on bit for bit when its device is
 * lost. What is too large to be kept begins again, and comes to the same bits.
 */
export class KeptTraining implements PretrainKeeping {
  from: PretrainState | undefined;
  readonly #bytes: number;
  #savedAt = performance.now();
  #begun = false;

  constructor(model: ModelConfig) {
    const { pages } = parameterLayout(model, 'lm');
    this.#bytes = BYTES_PER_PARAMETER * pages.reduce((sum, { size }) => sum + size, 0);
  }

  /** Says where the training goes on, unless it begins for the first time. */
  async begin(): Promise<void> {
    this.#savedAt = performance.now();
    if (!this.#begun) {
      this.#begun = true;
      return;
    }
    const again =
      this.#bytes > MOST_BYTES
        ? `beginning again: a copy of ${bytesText(this.#bytes)} is not kept`
        : 'beginning again: no copy was made yet';
    const host = await system();
    await host.stderr(`${this.from ? `going on after update ${this.from.update}` : again}\n`);
  }

  readonly due = (): boolean =>
    this.#bytes <= MOST_BYTES && performance.now() - this.#savedAt >= COPY_SECONDS * 1000;

  readonly save = (state: PretrainState): Promise<void> => {
    this.from = state;
    this.#savedAt = performance.now();
    return Promise.resolve();
  };
}
